#include "worker/proxy_greetings.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using protocol::test::for_each_cutting;
using test::ConnectionBench;
using test::Peer;

const std::string version_1 = "PROXY TCP4 203.0.113.9 10.0.0.1 51000 443\r\n";
const std::string version_2 = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xCB\0\x71\x09\x0A\0\0\x01\xC7\x38\x01\xBB"s;
const std::string local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;
constexpr std::string_view request = "GET / HTTP/1.1\r\n";

class ProxyGreetingsTest : public testing::Test {
 protected:
  ProxyGreetingsTest() { EXPECT_FALSE(bench_.context.proxies.add("192.0.2.0/24")); }

  Peer connect(std::string address = "192.0.2.7", SocketKind kind = SocketKind::websocket) {
    auto [ours, theirs] = test::socket_pair();
    EXPECT_TRUE(greetings_.accept({std::move(ours), std::move(address)}, kind));
    return Peer(std::move(theirs));
  }
  void turn() {
    bench_.turn();
    greetings_.end_turn();
  }
  // What is behind the header and was left in the socket.
  std::string rest() { return Peer(std::move(clients_.back().socket)).receive(); }

  static Limits limits() {
    Limits limits;
    limits.handshake_timeout = 30ms;
    return limits;
  }

  ConnectionBench bench_{App(), limits()};
  std::vector<Accepted> clients_;
  std::vector<SocketKind> kinds_;
  ProxyGreetings greetings_{bench_.context, [this](Accepted client, SocketKind kind) {
                              clients_.push_back(std::move(client));
                              kinds_.push_back(kind);
                            }};
};

TEST_F(ProxyGreetingsTest, AClientHasTheAddressThatItsProxyNames) {
  for (const std::string& header : {version_1, version_2}) {
    Peer peer = connect();
    peer.send(header + std::string(request));
    turn();
    ASSERT_EQ(clients_.size(), 1U);
    EXPECT_EQ(clients_.back().remote_address, "203.0.113.9");
    EXPECT_EQ(rest(), request) << "not a byte behind the header is taken";
    EXPECT_EQ(greetings_.size(), 0U);
    clients_.clear();
  }
  EXPECT_EQ(bench_.counters.protocol_errors.get(), 0U);
}

TEST_F(ProxyGreetingsTest, AHeaderMayArriveInAnyPieces) {
  for (const std::string& header : {version_1, version_2}) {
    for_each_cutting(protocol::test::bytes(header + "G"), [&](const std::vector<protocol::test::Bytes>& pieces) {
      clients_.clear();
      Peer peer = connect();
      for (const auto& piece : pieces) {
        peer.send(piece);
        turn();
      }
      ASSERT_EQ(clients_.size(), 1U);
      ASSERT_EQ(clients_.back().remote_address, "203.0.113.9");
      ASSERT_EQ(rest(), "G");
    });
  }
}

TEST_F(ProxyGreetingsTest, AProxyThatSpeaksForItselfKeepsItsAddress) {
  for (const std::string& header : {local, "PROXY UNKNOWN\r\n"s}) {
    Peer peer = connect();
    peer.send(header);
    turn();
    ASSERT_FALSE(clients_.empty());
    EXPECT_EQ(clients_.back().remote_address, "192.0.2.7");
    clients_.clear();
  }
}

TEST_F(ProxyGreetingsTest, TheKindOfTheSocketGoesAlong) {
  Peer peer = connect("unix:", SocketKind::api);
  peer.send(version_1);
  turn();
  EXPECT_EQ(kinds_, std::vector{SocketKind::api});
  EXPECT_EQ(clients_.back().remote_address, "203.0.113.9") << "unix sockets are trusted by their file's mode";
}

TEST_F(ProxyGreetingsTest, WhoIsNotTrustedIsLetGoOf) {
  Peer peer = connect("198.51.100.1");
  EXPECT_EQ(greetings_.size(), 0U);
  peer.receive();
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(bench_.counters.protocol_errors.get(), 1U);
  EXPECT_TRUE(clients_.empty());
}

TEST_F(ProxyGreetingsTest, WhoDoesNotBeginWithAHeaderIsLetGoOf) {
  for (const std::string& bytes : {"GET / HTTP/1.1\r\n\r\n"s, "\x16\x03\x01"s, "PROXY TCP4 nonsense\r\n"s}) {
    Peer peer = connect();
    peer.send(bytes);
    turn();
    EXPECT_EQ(peer.receive(), "");
    EXPECT_TRUE(peer.ended());
  }
  EXPECT_EQ(bench_.counters.protocol_errors.get(), 3U);
  EXPECT_EQ(bench_.counters.accepted.get(), 3U);
  EXPECT_EQ(greetings_.size(), 0U);
  EXPECT_TRUE(clients_.empty());
}

TEST_F(ProxyGreetingsTest, AHeaderThatDoesNotArriveInTimeIsNotWaitedFor) {
  Peer peer = connect();
  peer.send(version_1.substr(0, 20));
  while (greetings_.size() > 0) {
    turn();
    greetings_.handle_deadlines();
  }
  greetings_.end_turn();
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(bench_.counters.protocol_errors.get(), 1U);
}

TEST_F(ProxyGreetingsTest, WhoGoesByItselfIsNobodysFault) {
  Peer silent = connect();
  Peer half = connect();
  half.send(version_2.substr(0, 5));
  turn();
  EXPECT_EQ(greetings_.size(), 2U);
  silent.hang_up();
  half.hang_up();
  turn();
  EXPECT_EQ(greetings_.size(), 0U);
  EXPECT_EQ(bench_.counters.protocol_errors.get(), 0U);
}

TEST_F(ProxyGreetingsTest, AnotherWorkerGoesOnWhereverTheHeaderIsCut) {
  for (const std::string& header : {version_1, version_2}) {
    for (std::size_t cut = 0; cut < header.size(); ++cut) {
      clients_.clear();
      Peer peer = connect();
      peer.send(std::string_view(header).substr(0, cut));
      turn();
      auto saved = greetings_.save();
      ASSERT_EQ(saved.size(), 1U);
      EXPECT_EQ(saved[0].state.input.size(), cut);
      const auto state = decode_proxy_greeting(encode(saved[0].state).bytes());
      ASSERT_EQ(state, saved[0].state);
      FileDescriptor socket(::fcntl(saved[0].descriptor, F_DUPFD_CLOEXEC, 0));
      greetings_.hand_over();
      ASSERT_EQ(greetings_.size(), 0U);

      greetings_.resume(*state, std::move(socket));
      peer.send(header.substr(cut) + std::string(request));
      turn();
      ASSERT_EQ(clients_.size(), 1U) << cut;
      EXPECT_EQ(clients_.back().remote_address, "203.0.113.9");
      EXPECT_EQ(rest(), request);
    }
  }
}

TEST_F(ProxyGreetingsTest, TheDeadlineIsNotProlongedByAHandoff) {
  Peer peer = connect();
  auto state = greetings_.save()[0].state;
  EXPECT_GT(state.due_ms, 0U);
  FileDescriptor socket(::fcntl(greetings_.save()[0].descriptor, F_DUPFD_CLOEXEC, 0));
  greetings_.hand_over();
  state.due_ms = bench_.context.now_ms();
  greetings_.resume(state, std::move(socket));
  greetings_.handle_deadlines();
  EXPECT_EQ(greetings_.size(), 0U);
  greetings_.end_turn();
}

TEST_F(ProxyGreetingsTest, ALosingServerClosesThemAll) {
  Peer one = connect();
  Peer other = connect();
  greetings_.lose();
  EXPECT_EQ(greetings_.size(), 0U);
  greetings_.end_turn();
  one.receive();
  EXPECT_TRUE(one.ended());
}

TEST(ProxyGreetingState, OfAnotherTypeIsNone) {
  EXPECT_FALSE(decode_proxy_greeting(encode(ConnectionState{}).bytes()));
  EXPECT_FALSE(decode_proxy_greeting({}));
  EXPECT_EQ(decode_proxy_greeting(protocol::RecordWriter(proxy_greeting_record).bytes()), ProxyGreetingState{});
}

}  // namespace
}  // namespace wsd::worker
