#include "worker/tls_transport.h"

#include <gmock/gmock.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/support/certificates.h"
#include "tests/unit/worker/support/tls_client.h"
#include "worker/tls_context.h"

namespace wsd::worker {
namespace {

using test::MadeCertificate;
using test::TlsClient;
using testing::HasSubstr;
using testing::StartsWith;
using Judgement = TlsCertificate::Judgement;
using Status = Transfer::Status;

class TlsTransportTest : public testing::Test {
 protected:
  TlsTransportTest() { begin(); }

  void begin() { begin({.pairs = {certificate_.pair()}, .client_ca = {}, .ticket_secret = "secret"}); }
  void begin(const TlsMaterial& material) {
    transport_.reset();
    context_ = std::make_unique<TlsContext>(material, Judgement::strict, [this] { ++failures_; });
    connect();
  }
  void connect() {
    auto [ours, theirs] = test::socket_pair();
    transport_ = context_->accept(std::move(ours), "192.0.2.7");
    ASSERT_NE(transport_, nullptr);
    client_ = std::make_unique<TlsClient>(std::move(theirs));
  }

  // Reads what is there, and gathers it.
  Transfer read() {
    const Transfer transfer = transport_->read({}, buffer_);
    received_ += test::text_of(std::span(buffer_).first(transfer.bytes));
    context_->end_turn();
    return transfer;
  }
  Transfer write(std::vector<std::string_view> texts) {
    std::vector<iovec> pieces;
    for (const std::string_view text : texts) {
      pieces.push_back({.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()});
    }
    return transport_->write(pieces);
  }

  // Both sides go on until neither has anything to say, `size` bytes of the client's at a time.
  void converse(std::size_t size = std::string::npos) {
    for (bool went_on = true; went_on;) {
      client_->step();
      went_on = client_->deliver(size);
      while (read().status == Status::done) went_on = true;
    }
  }

  const MadeCertificate certificate_{{}};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(256 * 1024);
  std::unique_ptr<TlsContext> context_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<TlsClient> client_;
  std::string received_;
  int failures_ = 0;
};

TEST_F(TlsTransportTest, CarriesBytesBothWays) {
  EXPECT_FALSE(transport_->is_ready());
  converse();
  ASSERT_TRUE(transport_->is_ready());
  client_->write("hello");
  client_->deliver();
  EXPECT_EQ(read().bytes, 5U);
  EXPECT_EQ(received_, "hello");
  EXPECT_EQ(write({"head ", "", "and body"}).bytes, 13U);
  EXPECT_EQ(client_->read(), "head and body");
  EXPECT_EQ(read().status, Status::would_block);
  EXPECT_FALSE(transport_->is_movable());
}

TEST_F(TlsTransportTest, TakesNothingForWritingBeforeTheHandshakeIsDone) {
  EXPECT_EQ(write({"too early"}).status, Status::would_block);
  EXPECT_FALSE(transport_->has_unsent());
}

TEST_F(TlsTransportTest, HandshakeAndDataMayBeCutAnywhere) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t size : std::vector<std::size_t>{1, 2, 3, 5, 7, 64, 300}) {
      SCOPED_TRACE(testing::Message() << "version " << version << " cut into " << size);
      connect();
      received_.clear();
      SSL_CTX_set_max_proto_version(client_->context(), version);
      converse(size);
      ASSERT_TRUE(transport_->is_ready());
      client_->write(std::string(40, 'a'));
      client_->write(std::string(40, 'b'));
      converse(size);
      EXPECT_EQ(received_, std::string(40, 'a') + std::string(40, 'b'));
    }
  }
}

TEST_F(TlsTransportTest, ReadsManyRecordsAtOnce) {
  converse();
  std::string sent;
  for (int i = 0; i < 30; ++i) {
    const std::string message(static_cast<std::size_t>(i) * 100, static_cast<char>('a' + i % 26));
    if (!message.empty()) client_->write(message);
    sent += message;
  }
  client_->deliver();
  int reads = 0;
  while (read().status == Status::done) ++reads;
  EXPECT_TRUE(received_ == sent);
  EXPECT_LE(reads, 4);
}

TEST_F(TlsTransportTest, LeavesNothingBehindThatTheDescriptorIsQuietAbout) {
  converse();
  buffer_.resize(Transport::min_read_buffer);
  std::string sent;
  for (int i = 0; i < 12; ++i) {
    sent += std::string(16'000, static_cast<char>('a' + i));
    client_->write(sent.substr(sent.size() - 16'000));
  }
  ASSERT_EQ(::setsockopt(client_->peer().descriptor(), SOL_SOCKET, SO_SNDBUF, std::array<int, 1>{1 << 20}.data(), 4),
            0);
  client_->deliver();
  while (received_.size() < sent.size()) {
    char byte = 0;
    const bool readable = ::recv(transport_->descriptor(), &byte, 1, MSG_PEEK) == 1;
    ASSERT_EQ(read().status == Status::done, readable);
    ASSERT_TRUE(readable) << "after " << received_.size();
  }
  EXPECT_TRUE(received_ == sent);
}

TEST_F(TlsTransportTest, KeepsWhatTheKernelHasNoRoomForAndTakesNoMoreMeanwhile) {
  converse();
  test::shrink_send_buffer(transport_->descriptor());
  std::string sent;
  while (!transport_->has_unsent()) {
    const std::string text(50'000, static_cast<char>('a' + sent.size() / 50'000 % 26));
    const Transfer transfer = write({text});
    ASSERT_EQ(transfer.status, Status::done);
    sent += text.substr(0, transfer.bytes);
    ASSERT_LT(sent.size(), 10'000'000U);
  }
  EXPECT_EQ(write({"more"}).status, Status::would_block);
  std::string received;
  for (int i = 0; i < 1000 && received.size() < sent.size(); ++i) {
    received += client_->read();
    EXPECT_NE(write({}).status, Status::failed);
  }
  EXPECT_TRUE(received == sent);
  EXPECT_FALSE(transport_->has_unsent());
  EXPECT_EQ(write({"more"}).bytes, 4U);
  EXPECT_EQ(client_->read(), "more");
}

TEST_F(TlsTransportTest, TakesAsMuchAsTheKernelMayAndNoMore) {
  converse();
  const std::string large(1'000'000, 'x');
  const Transfer transfer = write({"head", large});
  EXPECT_GE(transfer.bytes, 64U * 1024);
  EXPECT_LT(transfer.bytes, 100U * 1024);
}

TEST_F(TlsTransportTest, SaysCloseNotifyOnceAndGoesOnReading) {
  converse();
  transport_->shutdown_write();
  transport_->shutdown_write();
  EXPECT_EQ(client_->read(), "");
  EXPECT_TRUE(client_->heard_close_notify());
  EXPECT_TRUE(client_->peer().ended());
  client_->write("a last word");
  client_->deliver();
  EXPECT_EQ(read().bytes, 11U);
}

TEST_F(TlsTransportTest, SaysCloseNotifyWhenItGoesUnlessItIsToReset) {
  for (const bool aborts : {false, true}) {
    connect();
    converse();
    if (aborts) transport_->abort();
    transport_.reset();
    EXPECT_EQ(client_->read(), "");
    EXPECT_EQ(client_->heard_close_notify(), !aborts);
  }
}

TEST_F(TlsTransportTest, CloseNotifyAndTheEndOfTheStreamAreAnEnd) {
  converse();
  client_->write("bye");
  client_->close();
  client_->deliver();
  EXPECT_EQ(read().status, Status::done);
  EXPECT_EQ(received_, "bye");
  EXPECT_TRUE(transport_->has_buffered_input()) << "the descriptor says nothing of it";
  EXPECT_EQ(read().status, Status::ended);
  EXPECT_FALSE(transport_->has_buffered_input());
  EXPECT_EQ(read().status, Status::ended);
  EXPECT_EQ(write({"still"}).bytes, 5U);
  EXPECT_EQ(client_->read(), "still");

  connect();
  converse();
  client_->peer().finish();
  EXPECT_EQ(read().status, Status::ended);
  EXPECT_EQ(failures_, 0);
}

TEST_F(TlsTransportTest, RecordsThatAreForgedEndIt) {
  converse();
  client_->write("good");
  client_->deliver();
  client_->peer().send(
      std::string_view("\x17\x03\x03\x00\x20"
                       "forged, and thirty-two bytes long",
                       37));
  EXPECT_EQ(read().status, Status::done);
  EXPECT_EQ(received_, "good");
  EXPECT_EQ(read().status, Status::failed);
  EXPECT_EQ(write({"to whom?"}).status, Status::failed);
}

TEST_F(TlsTransportTest, PlainHttpIsToldWhereItIs) {
  client_->peer().send("GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(read().status, Status::ended);
  const std::string answer = client_->peer().receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer, HasSubstr("This port speaks TLS. Connect with wss:// or https://."));
  EXPECT_EQ(failures_, 1);
}

TEST_F(TlsTransportTest, GarbageFailsTheHandshakeAndAProbeDoesNot) {
  client_->peer().send("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b");
  const Status status = read().status;
  EXPECT_TRUE(status == Status::failed || status == Status::ended);
  EXPECT_EQ(failures_, 1);

  connect();
  client_->peer().hang_up();
  EXPECT_EQ(read().status, Status::ended);
  EXPECT_EQ(failures_, 1);
}

TEST_F(TlsTransportTest, OldVersionsAreRefused) {
  SSL_CTX_set_min_proto_version(client_->context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client_->context(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(client_->context(), 0);
  converse();
  EXPECT_FALSE(transport_->is_ready());
  EXPECT_EQ(failures_, 1);
}

TEST_F(TlsTransportTest, ATurnHasTimeForSoManyHandshakes) {
  std::vector<std::unique_ptr<Transport>> storm;
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (unsigned i = 0; i < 2 * TlsContext::handshakes_per_turn; ++i) {
    auto [ours, theirs] = test::socket_pair();
    storm.push_back(context_->accept(std::move(ours), "192.0.2.7"));
    clients.push_back(std::make_unique<TlsClient>(std::move(theirs)));
    clients.back()->step();
    clients.back()->deliver();
  }
  const auto answered = [&] {
    std::size_t count = 0;
    for (const auto& transport : storm) {
      char byte = 0;
      const auto is_readable = [&] { return ::recv(transport->descriptor(), &byte, 1, MSG_PEEK) == 1; };
      if (!is_readable()) continue;  // as the poller would see it
      EXPECT_EQ(transport->read({}, buffer_).status, Status::would_block);
      if (!is_readable()) ++count;
    }
    return count;
  };
  EXPECT_EQ(answered(), TlsContext::handshakes_per_turn);
  EXPECT_EQ(answered(), 0U);
  context_->end_turn();
  EXPECT_EQ(answered(), TlsContext::handshakes_per_turn);
}

// OpenSSL knows one socket for them all.
TEST_F(TlsTransportTest, BytesOfTwoConnectionsDoNotMix) {
  struct Pair {
    std::unique_ptr<Transport> transport;
    std::unique_ptr<TlsClient> client;
    std::string received;
  };
  std::array<Pair, 2> pairs;
  for (Pair& pair : pairs) {
    auto [ours, theirs] = test::socket_pair();
    pair.transport = context_->accept(std::move(ours), "192.0.2.7");
    pair.client = std::make_unique<TlsClient>(std::move(theirs));
  }
  // In turns, a byte each, so that each is in the middle of something when the other goes on.
  const auto converse_in_turns = [&] {
    for (bool went_on = true; went_on;) {
      went_on = false;
      for (Pair& pair : pairs) {
        pair.client->step();
        went_on = pair.client->deliver(1) || went_on;
        const Transfer transfer = pair.transport->read({}, buffer_);
        pair.received += test::text_of(std::span(buffer_).first(transfer.bytes));
        context_->end_turn();
      }
    }
  };
  converse_in_turns();
  const std::array<std::string, 2> texts{std::string(300, 'a'), std::string(200, 'b')};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ASSERT_TRUE(pairs[i].transport->is_ready());
    pairs[i].client->write(texts[i]);
  }
  converse_in_turns();
  for (std::size_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(pairs[i].received, texts[i]);
  pairs[0].transport.reset();
  pairs[1].client->write("still here");
  pairs[1].client->deliver();
  EXPECT_EQ(pairs[1].transport->read({}, buffer_).bytes, 10U);
}

TEST_F(TlsTransportTest, TheContextKnowsWhatHandshakesAndConnectionsFree) {
  connect();
  EXPECT_EQ(context_->take_freed(), TlsTransport::connection_memory + TlsTransport::handshake_memory)
      << "of the one that the fixture began with";
  converse();
  EXPECT_EQ(context_->take_freed(), TlsTransport::handshake_memory);
  EXPECT_EQ(context_->take_freed(), 0U);
  transport_.reset();
  EXPECT_EQ(context_->take_freed(), TlsTransport::connection_memory);
}

TEST_F(TlsTransportTest, AFloodOfKeyUpdatesEndsIt) {
  converse();
  for (int i = 0; i < 40; ++i) {
    SSL_key_update(client_->connection(), SSL_KEY_UPDATE_NOT_REQUESTED);
    client_->write("x");
  }
  client_->deliver();
  while (read().status == Status::done) {
  }
  EXPECT_EQ(read().status, Status::failed);
}

TEST_F(TlsTransportTest, SomeKeyUpdatesAreFine) {
  converse();
  for (int i = 0; i < 5; ++i) {
    SSL_key_update(client_->connection(), SSL_KEY_UPDATE_REQUESTED);
    client_->write("x");
    client_->deliver();
    EXPECT_EQ(read().status, Status::done);
    EXPECT_EQ(write({"y"}).bytes, 1U);
    EXPECT_EQ(client_->read(), "y");
  }
}

// ---- the context ----------------------------------------------------------------------------------------------------

TEST_F(TlsTransportTest, ACertificateIsChosenByName) {
  const MadeCertificate other({.name = "chat.example.org"});
  begin({.pairs = {certificate_.pair(), other.pair()}, .client_ca = {}, .ticket_secret = "secret"});
  const auto shown_to = [this](const char* host) {
    connect();
    if (host != nullptr) {
      SSL_ctrl(client_->connection(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host));
    }
    converse();
    return TlsPointer<X509>(SSL_get1_peer_certificate(client_->connection()));
  };
  EXPECT_EQ(X509_cmp(shown_to("chat.example.org").get(), other.certificate()), 0);
  EXPECT_EQ(X509_cmp(shown_to("localhost").get(), certificate_.certificate()), 0);
  EXPECT_EQ(X509_cmp(shown_to("unknown.example.org").get(), certificate_.certificate()), 0);
  EXPECT_EQ(X509_cmp(shown_to(nullptr).get(), certificate_.certificate()), 0);
}

TEST_F(TlsTransportTest, TheClientHasTheChoiceAmongKindsOfKeys) {
  const MadeCertificate rsa({.name = "localhost", .hosts = {"chat.example.org"}, .has_rsa_key = true});
  const MadeCertificate second_rsa({.name = "localhost", .has_rsa_key = true});
  const MadeCertificate other({.name = "other.example.org", .has_rsa_key = true});
  const std::vector<TlsKeyPair> pairs{certificate_.pair(), other.pair(), rsa.pair(), second_rsa.pair()};
  begin({.pairs = pairs, .client_ca = {}, .ticket_secret = "secret"});
  const auto shown = [this](const char* host, const char* algorithms, int version) -> TlsPointer<X509> {
    connect();
    SSL_CTX_set_max_proto_version(client_->context(), version);
    SSL_set1_sigalgs_list(client_->connection(), algorithms);
    if (host != nullptr) {
      SSL_ctrl(client_->connection(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host));
    }
    converse();
    return TlsPointer<X509>(transport_->is_ready() ? SSL_get1_peer_certificate(client_->connection()) : nullptr);
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto is_shown = [&](const char* host, const char* algorithms, const MadeCertificate& certificate) {
      const TlsPointer<X509> seen = shown(host, algorithms, version);
      return seen != nullptr && X509_cmp(seen.get(), certificate.certificate()) == 0;
    };
    for (const char* host : {"localhost", "unknown.example.org", static_cast<const char*>(nullptr)}) {
      EXPECT_TRUE(is_shown(host, "ECDSA+SHA256", certificate_));
      EXPECT_TRUE(is_shown(host, "RSA-PSS+SHA256", rsa)) << "the first that has all names of the first one";
    }
    EXPECT_TRUE(is_shown("chat.example.org", "RSA-PSS+SHA256", rsa));
    EXPECT_TRUE(is_shown("other.example.org", "RSA-PSS+SHA256", other));
    EXPECT_EQ(shown("chat.example.org", "ECDSA+SHA256", version), nullptr);
    EXPECT_EQ(shown("other.example.org", "ECDSA+SHA256", version), nullptr);
  }
}

TEST_F(TlsTransportTest, EachKindOfKeyComesWithItsOwnChain) {
  const MadeCertificate root({.name = "Root", .is_authority = true});
  const MadeCertificate other_root({.name = "Other Root", .is_authority = true, .has_rsa_key = true});
  const MadeCertificate ec({.name = "localhost"}, &root);
  const MadeCertificate rsa({.name = "localhost", .has_rsa_key = true}, &other_root);
  begin({.pairs = {ec.pair(root.pem()), rsa.pair(other_root.pem())}, .client_ca = {}, .ticket_secret = "secret"});
  for (const char* host : {"localhost", "unknown"}) {
    for (const auto& [algorithms, issuer] :
         {std::pair("ECDSA+SHA256", &root), std::pair("RSA-PSS+SHA256", &other_root)}) {
      connect();
      SSL_set1_sigalgs_list(client_->connection(), algorithms);
      SSL_ctrl(client_->connection(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host));
      converse();
      STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(client_->connection());
      ASSERT_EQ(sk_X509_num(chain), 2);
      EXPECT_EQ(X509_cmp(sk_X509_value(chain, 1), issuer->certificate()), 0);
    }
  }
}

TEST_F(TlsTransportTest, Http11IsAgreedOnAndNothingElse) {
  const auto agreed_on = [this](std::string_view offer) -> std::string {
    connect();
    SSL_set_alpn_protos(client_->connection(), reinterpret_cast<const unsigned char*>(offer.data()),
                        static_cast<unsigned>(offer.size()));
    converse();
    if (!transport_->is_ready()) return "refused";
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client_->connection(), &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
  };
  EXPECT_EQ(agreed_on("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(agreed_on("\x02h2"), "refused");
}

TEST_F(TlsTransportTest, SessionsResumeInAnotherWorkerOfTheServer) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    begin();
    SSL_CTX_set_max_proto_version(client_->context(), version);
    converse();
    (void)client_->read();  // the ticket
    client_->close();       // or OpenSSL would take the session for one that went wrong
    SSL_SESSION* const session = SSL_get1_session(client_->connection());
    const auto resumes = [&](const std::string& secret) {
      begin({.pairs = {certificate_.pair()}, .client_ca = {}, .ticket_secret = secret});
      SSL_CTX_set_max_proto_version(client_->context(), version);
      SSL_set_session(client_->connection(), session);
      converse();
      EXPECT_TRUE(transport_->is_ready());
      return SSL_session_reused(client_->connection()) == 1;
    };
    EXPECT_TRUE(resumes("secret"));
    EXPECT_FALSE(resumes("another server's"));
    SSL_SESSION_free(session);
  }
}

class ClientCertificates : public TlsTransportTest {
 protected:
  const MadeCertificate authority_{{.name = "Clients", .is_authority = true}};
  const MadeCertificate known_{{.name = "alice"}, &authority_};
  const MadeCertificate stranger_{{.name = "mallory"}};

  void begin_with(const MadeCertificate* certificate) {
    begin({.pairs = {certificate_.pair()}, .client_ca = {"ca.pem", authority_.pem()}, .ticket_secret = "secret"});
    if (certificate == nullptr) return;
    SSL_CTX_use_certificate(client_->context(), certificate->certificate());
    SSL_CTX_use_PrivateKey(client_->context(), certificate->key());
  }
};

TEST_F(ClientCertificates, OfTheAuthorityAreLetIn) {
  begin_with(&known_);
  converse();
  EXPECT_TRUE(transport_->is_ready());
  EXPECT_EQ(failures_, 0);
}

TEST_F(ClientCertificates, OfOthersAreNotNorIsNone) {
  begin_with(&stranger_);
  converse();
  EXPECT_FALSE(transport_->is_ready());
  begin_with(nullptr);
  converse();
  EXPECT_FALSE(transport_->is_ready());
  EXPECT_EQ(failures_, 2);
}

TEST_F(ClientCertificates, AreAskedForAgainByAnotherAuthority) {
  begin_with(&known_);
  SSL_CTX_set_max_proto_version(client_->context(), TLS1_2_VERSION);
  converse();
  SSL_SESSION* const session = SSL_get1_session(client_->connection());
  const MadeCertificate other({.name = "Others", .is_authority = true});
  begin({.pairs = {certificate_.pair()}, .client_ca = {"ca.pem", other.pem()}, .ticket_secret = "secret"});
  SSL_CTX_set_max_proto_version(client_->context(), TLS1_2_VERSION);
  SSL_set_session(client_->connection(), session);
  converse();
  EXPECT_FALSE(transport_->is_ready());
  SSL_SESSION_free(session);
}

TEST(TlsContext, RefusesAuthoritiesThatAreNoPem) {
  const MadeCertificate certificate({});
  const TlsMaterial material{.pairs = {certificate.pair()}, .client_ca = {"ca.pem", "nothing"}, .ticket_secret = "s"};
  EXPECT_THROW(TlsContext(material, Judgement::strict, [] {}), TlsError);
}

}  // namespace
}  // namespace wsd::worker
