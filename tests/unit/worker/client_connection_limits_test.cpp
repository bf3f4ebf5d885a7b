// What a client may have and what it is told beyond: limits per address, full send queues; and what the access log says
// of how it ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/support/temporary_directory.h"
#include "tests/unit/worker/support/connection_bench.h"
#include "worker/log.h"

namespace wsd::worker {
namespace {

using protocol::test::with_header;
using namespace test;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class ClientConnectionLimits : public testing::Test {
 protected:
  explicit ClientConnectionLimits(Limits limits = {}) : bench_(recording_echo(events_), limits) { tables_.open_row(0); }

  void limit(const AddressLimits& limits) {
    bench_.context.quotas = AddressQuotas(&tables_, 0, limits, bench_.context.proxies);
  }
  // As the server does with one that it has accepted.
  Peer connect() {
    Peer peer = bench_.connect();
    bench_.last().admit();
    return peer;
  }
  Peer open() {
    Peer peer = connect();
    peer.send(plain_handshake);
    bench_.turn();
    EXPECT_EQ(peer.receive(plain_answer.size()), plain_answer);
    return peer;
  }
  [[nodiscard]] std::uint64_t counted(std::string_view address = "192.0.2.7") const {
    return tables_.connections(tables_.key_of(address).value());
  }

  Events events_;
  AddressTables tables_ = AddressTables::create(100);
  ConnectionBench bench_;
};

TEST_F(ClientConnectionLimits, OneTooManyOfAnAddressIs429BeforeAnythingIsRead) {
  limit({.connections = 2});
  const Peer one = connect();
  Peer two = open();
  Peer three = connect();
  bench_.turn();
  const std::string answer = three.receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 5\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(three.ended());
  EXPECT_EQ(bench_.counters.refused.get(), 1U);
  EXPECT_EQ(bench_.counters.protocol_errors.get(), 0U);
  EXPECT_EQ(counted(), 2U);
  two.send(client_frame(0x88, close_payload(1000)));
  bench_.turn();
  EXPECT_EQ(counted(), 1U) << "it counts no longer, although its stream has not ended yet";
  (void)open();
}

TEST_F(ClientConnectionLimits, EveryEndGivesThePlaceBack) {
  limit({.connections = 1});
  connect().hang_up();
  bench_.turn();
  EXPECT_EQ(counted(), 0U);
  open().hang_up();
  bench_.turn();
  EXPECT_EQ(counted(), 0U);
  {
    const Peer peer = open();
    bench_.last().destroy();
    bench_.end_turn();
    EXPECT_EQ(counted(), 0U);
  }
  {
    const Peer peer = connect();
    peer.send("nonsense\r\n\r\n");
    bench_.turn();
    EXPECT_EQ(counted(), 0U);
  }
  const Peer peer = open();
  EXPECT_EQ(counted(), 1U);
  bench_.connections.clear();
  EXPECT_EQ(counted(), 0U);
}

TEST_F(ClientConnectionLimits, CountTheClientThatATrustedProxyNames) {
  ASSERT_EQ(bench_.context.proxies.add("192.0.2.7"), std::nullopt);
  limit({.connections = 1});
  const auto handshake_for = [](std::string_view client) {
    return with_header("X-Forwarded-For: " + std::string(client));
  };
  Peer alice = connect();
  EXPECT_EQ(counted(), 0U);
  alice.send(handshake_for("203.0.113.1"));
  Peer bob = connect();
  bob.send(handshake_for("203.0.113.2"));
  Peer again = connect();
  again.send(handshake_for("203.0.113.1"));
  bench_.turn();
  EXPECT_THAT(alice.receive(), StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(bob.receive(), StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(again.receive(), StartsWith("HTTP/1.1 429"));
  EXPECT_EQ(counted("203.0.113.1"), 1U);
  EXPECT_EQ(counted("192.0.2.7"), 0U) << "the proxy itself";
  alice.hang_up();
  bench_.turn();
  EXPECT_EQ(counted("203.0.113.1"), 0U);
}

TEST_F(ClientConnectionLimits, HandshakesOfAnAddressAreLimitedPerSecond) {
  limit({.handshakes = 3});
  for (int i = 0; i < 3; ++i) (void)open();
  Peer peer = connect();
  bench_.turn();
  EXPECT_THAT(peer.receive(), AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("Retry-After: ")));
}

TEST_F(ClientConnectionLimits, OneMessageTooManyCloses) {
  limit({.messages = 3});
  Peer one = open();
  Peer other = open();
  one.send(client_frame(0x81, "1") + client_frame(0x81, "2"));
  bench_.turn();
  other.send(client_frame(0x81, "3") + client_frame(0x81, "4"));
  bench_.turn();
  EXPECT_EQ(parse_frames(one.receive()), (Frames{{0x81, "1"}, {0x81, "2"}}));
  EXPECT_EQ(parse_frames(other.receive()), (Frames{{0x81, "3"}, {0x88, close_payload(1008, "too many messages")}}));
  EXPECT_EQ(std::ranges::count(events_, "message 4"), 0) << "the application does not hear it";
  EXPECT_EQ(bench_.counters.rate_limited.get(), 1U);
}

TEST_F(ClientConnectionLimits, AHandedOverConnectionIsCountedByItsSuccessorAlone) {
  limit({.connections = 5});
  const Peer peer = open();
  ConnectionBench successor(recording_echo(events_));
  tables_.open_row(1);
  successor.context.quotas = AddressQuotas(&tables_, 1, {.connections = 5}, successor.context.proxies);
  ConnectionState state = bench_.last().save();
  EXPECT_TRUE(bench_.last().stop_counting());
  EXPECT_EQ(counted(), 0U);
  bench_.last().count_again();
  EXPECT_EQ(counted(), 1U) << "the handoff failed";
  EXPECT_TRUE(bench_.last().stop_counting());
  FileDescriptor socket(::dup(bench_.last().descriptor()));
  (void)bench_.last().hand_over();
  const ClientConnection resumed(successor.context, state, ClientTransport(std::move(socket)));
  EXPECT_EQ(counted(), 1U);
  bench_.connections.clear();
  EXPECT_EQ(counted(), 1U);
}

TEST_F(ClientConnectionLimits, AnIdleWorkerWithoutLimitsCountsNobody) {
  const Peer peer = open();
  EXPECT_EQ(counted(), 0U);
  EXPECT_FALSE(bench_.last().stop_counting());
}

// ---- full queues ----------------------------------------------------------------------------------------------------

class SlowClients : public ClientConnectionLimits {
 protected:
  explicit SlowClients(Limits limits) : ClientConnectionLimits(limits) {}

  // How many messages of 10,000 bytes it takes until one is dropped.
  int fill(ClientConnection& connection) {
    int sent = 0;
    while (connection.send(std::string(10'000, '.'), MessageType::text) != SendResult::dropped && sent < 10'000) {
      bench_.end_turn();
      ++sent;
    }
    bench_.end_turn();
    return sent;
  }
};

class ClosedSlowClients : public SlowClients {
 protected:
  ClosedSlowClients() : SlowClients({.send_queue = 50'000, .full_queue = FullQueue::close}) {}
};

TEST_F(ClosedSlowClients, GetA1013) {
  Peer peer = open();
  const int sent = fill(bench_.last());
  EXPECT_EQ(bench_.counters.slow_closed.get(), 1U);
  std::string stream;
  for (std::string part = peer.receive(); !part.empty(); part = peer.receive()) {
    stream += part;
    bench_.turn();
  }
  const auto frames = parse_frames(stream);
  ASSERT_EQ(frames.size(), static_cast<std::size_t>(sent) + 1);
  EXPECT_EQ(frames.back(), (Frame{0x88, close_payload(1013, "it reads too slowly")}));
}

TEST_F(ClosedSlowClients, AlsoWhereAChannelDropsTheNewest) {
  const Peer peer = open();
  for (int i = 0; i < 10'000 && bench_.last().is_open(); ++i) {
    SharedMessage message(MessageType::text, std::string(10'000, '.'));
    (void)bench_.last().take_publication(message, SlowConsumer::drop_newest, 7);
    bench_.end_turn();
  }
  EXPECT_EQ(bench_.counters.slow_closed.get(), 1U);
}

class SlowClientsTogether : public SlowClients {
 protected:
  SlowClientsTogether() : SlowClients({.send_queue = 50'000, .send_queue_total = 100'000}) {}
};

TEST_F(SlowClientsTogether, ShareTheMemoryOfAWorker) {
  std::vector<Peer> peers;
  for (int i = 0; i < 10; ++i) peers.push_back(open());
  for (ClientConnection& connection : bench_.connections) (void)fill(connection);
  EXPECT_LE(bench_.context.queue_memory.size(), 100'000U + 10 * 10'100U) << "one message more, where nothing waited";
  EXPECT_GT(bench_.context.queue_memory.size(), 80'000U);
  for (Peer& peer : peers) peer.hang_up();
  bench_.turn();
  bench_.turn();
  EXPECT_EQ(bench_.context.queue_memory.size(), 0U);
}

// ---- the access log -------------------------------------------------------------------------------------------------

class ClientConnectionAccess : public ClientConnectionLimits {
 protected:
  ClientConnectionAccess() { bench_.context.access_log = AccessLog(file_.get(), 0); }

  [[nodiscard]] std::string content() const { return testing_support::content_of(directory_.file("access")); }

  testing_support::TemporaryDirectory directory_;
  FileDescriptor file_ = log::open_file(directory_.file("access"));
};

TEST_F(ClientConnectionAccess, TellsOfAClientsClose) {
  const Peer peer = open();
  EXPECT_EQ(content(), "") << "it is still there";
  peer.send(client_frame(0x88, close_payload(4001, "enough\n")));
  bench_.turn();
  EXPECT_THAT(content(), HasSubstr(" status=101 path=\"/chat\" duration=0.0"));
  EXPECT_THAT(content(), EndsWith(" code=4001 closed_by=client reason=\"enough\\x5cn\"\n"));
  EXPECT_EQ(std::ranges::count(content(), '\n'), 1);
}

TEST_F(ClientConnectionAccess, TellsWhoClosed) {
  const auto last_word = [this] {
    bench_.turn();
    bench_.connections.clear();
    const std::string text = content();
    const std::size_t at = text.rfind(" code=");
    return at == std::string::npos ? text : text.substr(at, text.find('\n', at) - at);
  };
  open().hang_up();
  EXPECT_EQ(last_word(), " code=1006 closed_by=client");
  {
    const Peer peer = open();
    bench_.last().close(4002, "");
    bench_.end_turn();
    peer.send(client_frame(0x88, close_payload(4002)));
    EXPECT_EQ(last_word(), " code=4002 closed_by=app");
  }
  {
    const Peer peer = open();
    bench_.last().say_goodbye(1001);
    bench_.end_turn();
    peer.send(client_frame(0x88, close_payload(1001)));
    EXPECT_EQ(last_word(), " code=1001 closed_by=server");
  }
  {
    const Peer peer = open();
    peer.send("\x81\x01x");
    EXPECT_THAT(last_word(), StartsWith(" code=1002 closed_by=error reason="));
  }
  {
    const Peer peer = open();
    bench_.last().destroy();
    bench_.end_turn();
    EXPECT_EQ(last_word(), " code=1006 closed_by=app");
  }
}

TEST_F(ClientConnectionAccess, TellsOfRefusals) {
  const Peer peer = connect();
  peer.send("GET /nothing?secret=1 HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\n\r\n");
  bench_.turn();
  EXPECT_THAT(content(), EndsWith(" status=426 path=\"/nothing\" origin=\"https://a\"\n"));
  limit({.connections = 1});
  const Peer one = open();
  const Peer two = connect();
  bench_.turn();
  EXPECT_THAT(content(), EndsWith(" remote=192.0.2.7 status=429\n"));
}

}  // namespace
}  // namespace wsd::worker
