#include "tests/wsbench/tls_stream.h"

#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fstream>
#include <memory>

#include "tests/unit/support/temporary_directory.h"
#include "tests/unit/worker/support/certificates.h"
#include "tests/unit/worker/support/sockets.h"

namespace wsd::bench {
namespace {

using State = TlsStream::State;
using testing::HasSubstr;
using worker::TlsPointer;
using worker::test::bytes_of;
using worker::test::MadeCertificate;
using worker::test::text_of;

// A server on the other end of a socket pair: OpenSSL as it is.
class TlsServer {
 public:
  TlsServer(const MadeCertificate& certificate, worker::FileDescriptor socket)
      : socket_(std::move(socket)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_.get(), certificate.certificate());
    SSL_CTX_use_PrivateKey(context_.get(), certificate.key());
    connection_.reset(SSL_new(context_.get()));
    SSL_set_fd(connection_.get(), socket_.get());
    SSL_set_accept_state(connection_.get());
  }

  void step() {
    ERR_clear_error();
    SSL_do_handshake(connection_.get());
  }
  [[nodiscard]] std::string name_asked_for() const {
    const char* const name = SSL_get_servername(connection_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }
  int write(std::string_view text) {
    ERR_clear_error();
    return SSL_write(connection_.get(), text.data(), static_cast<int>(text.size()));
  }
  std::string read() {
    std::string all;
    std::array<char, 20'000> buffer;
    ERR_clear_error();
    for (int count = 0; (count = SSL_read(connection_.get(), buffer.data(), buffer.size())) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }
  [[nodiscard]] bool was_told_goodbye() const {
    return (SSL_get_shutdown(connection_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  void say_goodbye() { SSL_shutdown(connection_.get()); }
  void hang_up() { socket_.reset(); }

 private:
  worker::FileDescriptor socket_;
  TlsPointer<SSL_CTX> context_;
  TlsPointer<SSL> connection_;
};

class TlsStreamTest : public testing::Test {
 protected:
  void begin(const MadeCertificate& certificate, const TlsContext::Options& options) {
    auto [ours, theirs] = worker::test::socket_pair();
    socket_ = std::move(ours);
    server_ = std::make_unique<TlsServer>(certificate, std::move(theirs));
    context_ = std::make_unique<TlsContext>(options);
    stream_ = std::make_unique<TlsStream>(*context_, socket_.get());
  }
  State shake_hands() {
    State state = State::wants_read;
    for (int i = 0; i < 10 && (state == State::wants_read || state == State::wants_write); ++i) {
      state = stream_->shake_hands();
      server_->step();
    }
    return state;
  }
  void open() {
    begin(trusted_, {.host = "localhost", .ca_file = ca_file(), .verifies = true});
    ASSERT_EQ(shake_hands(), State::done) << stream_->problem();
  }
  std::string ca_file() const {
    const std::string path = directory_.file("ca.pem");
    std::ofstream(path) << authority_.pem();
    return path;
  }

  const MadeCertificate authority_{{.name = "Authority", .is_authority = true}};
  const MadeCertificate trusted_{{}, &authority_};
  testing_support::TemporaryDirectory directory_;
  worker::FileDescriptor socket_;
  std::unique_ptr<TlsServer> server_;
  std::unique_ptr<TlsContext> context_;
  std::unique_ptr<TlsStream> stream_;
};

TEST_F(TlsStreamTest, CarriesBytesBothWays) {
  open();
  EXPECT_EQ(server_->name_asked_for(), "localhost");
  EXPECT_THAT(stream_->version_and_cipher(), testing::StartsWith("TLSv1.3 "));
  EXPECT_EQ(stream_->send(bytes_of("hello")).size, 5U);
  EXPECT_EQ(server_->read(), "hello");
  server_->write("one");
  server_->write("two");
  std::vector<std::byte> buffer(3 * TlsStream::max_record);
  const auto moved = stream_->receive(buffer);
  EXPECT_EQ(text_of(std::span(buffer).first(moved.size)), "onetwo");
  EXPECT_EQ(moved.state, State::done);
}

TEST_F(TlsStreamTest, LeavesNothingBehindThatTheSocketIsQuietAbout) {
  open();
  constexpr std::size_t record = TlsStream::max_record;
  using Records = std::pair<std::size_t, std::size_t>;  // how many, of how many bytes: what the socket has room for
  for (const auto& [count, record_size] : {Records{60, 100}, Records{8, 5'000}, Records{4, record}}) {
    for (const std::size_t room : {record, record + 100, 2 * record, 3 * record - 1, 3 * record, 4 * record}) {
      std::string sent;
      for (std::size_t i = 0; i < count; ++i) {
        const std::string text(record_size, static_cast<char>('a' + i % 26));
        ASSERT_EQ(server_->write(text), static_cast<int>(record_size));
        sent += text;
      }
      std::vector<std::byte> buffer(room);
      std::string received;
      while (received.size() < sent.size()) {
        char byte = 0;
        ASSERT_EQ(::recv(socket_.get(), &byte, 1, MSG_PEEK), 1) << received.size() << " by " << room;
        received += text_of(std::span(buffer).first(stream_->receive(buffer).size));
      }
      EXPECT_TRUE(received == sent);
    }
  }
}

TEST_F(TlsStreamTest, SendsWhatTheSocketTakesAndTheRestLater) {
  open();
  worker::test::shrink_send_buffer(socket_.get());
  std::string sent(1'000'000, 'x');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 26);
  std::string received;
  bool has_waited = false;
  for (std::size_t at = 0; at < sent.size();) {
    const auto moved = stream_->send(bytes_of(sent).subspan(at));
    at += moved.size;
    has_waited = has_waited || moved.state == State::wants_write;
    received += server_->read();
  }
  received += server_->read();
  EXPECT_TRUE(has_waited);
  EXPECT_TRUE(received == sent);
}

TEST_F(TlsStreamTest, TellsAProperEndFromACut) {
  open();
  server_->say_goodbye();
  std::vector<std::byte> buffer(2 * TlsStream::max_record);
  EXPECT_EQ(stream_->receive(buffer).state, State::ended);
  open();
  server_->hang_up();
  EXPECT_NE(stream_->receive(buffer).state, State::wants_read);
}

TEST_F(TlsStreamTest, SaysGoodbye) {
  open();
  stream_->shut_down();
  EXPECT_EQ(server_->read(), "");
  EXPECT_TRUE(server_->was_told_goodbye());
}

TEST_F(TlsStreamTest, BelievesNobodyWithoutAReason) {
  begin(trusted_, {.host = "localhost", .ca_file = {}, .verifies = true});
  EXPECT_EQ(shake_hands(), State::failed);
  EXPECT_THAT(stream_->problem(), HasSubstr("certificate: unable to get local issuer certificate"));
}

TEST_F(TlsStreamTest, BelievesNoOtherName) {
  begin(trusted_, {.host = "example.org", .ca_file = ca_file(), .verifies = true});
  EXPECT_EQ(shake_hands(), State::failed);
  EXPECT_EQ(stream_->problem(), "certificate: hostname mismatch");
  begin(trusted_, {.host = "127.0.0.1", .ca_file = ca_file(), .verifies = true});
  EXPECT_EQ(shake_hands(), State::failed);
  EXPECT_EQ(stream_->problem(), "certificate: IP address mismatch");
}

TEST_F(TlsStreamTest, BelievesNoExpiredCertificate) {
  const MadeCertificate expired({.begins_s = -100, .ends_s = -50}, &authority_);
  begin(expired, {.host = "localhost", .ca_file = ca_file(), .verifies = true});
  EXPECT_EQ(shake_hands(), State::failed);
  EXPECT_EQ(stream_->problem(), "certificate: certificate has expired");
}

TEST_F(TlsStreamTest, BelievesAnybodyWhenToldTo) {
  const MadeCertificate own{{}};
  begin(own, {.host = "192.0.2.1", .ca_file = {}, .verifies = false});
  EXPECT_EQ(shake_hands(), State::done) << stream_->problem();
  EXPECT_EQ(server_->name_asked_for(), "") << "an address is no name";
}

TEST_F(TlsStreamTest, ComplainsOfAFileThatIsNone) {
  EXPECT_THROW(TlsContext({.host = "localhost", .ca_file = "/nowhere.pem", .verifies = true}), std::runtime_error);
}

TEST_F(TlsStreamTest, FailsWhereTheServerSpeaksNoTls) {
  auto [ours, theirs] = worker::test::socket_pair();
  const TlsContext context({.host = "localhost", .ca_file = {}, .verifies = false});
  TlsStream stream(context, ours.get());
  EXPECT_EQ(stream.shake_hands(), State::wants_read);
  ::send(theirs.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
  EXPECT_EQ(stream.shake_hands(), State::failed);
  EXPECT_EQ(stream.problem(), "wrong version number");
}

}  // namespace
}  // namespace wsd::bench
