// Opening, messages and what an application sees of a connection. Its ends, back-pressure, deadlines and handover have
// files of their own.
#include "worker/client_connection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using protocol::Opcode;
using protocol::test::for_each_cutting;
using namespace test;

TEST(ClientConnection, OpensWhereverTheRequestIsCut) {
  Events events;
  ConnectionBench bench(recording_echo(events));
  for_each_cutting(protocol::test::bytes(plain_handshake), [&](const std::vector<protocol::test::Bytes>& pieces) {
    events.clear();
    Peer peer = bench.connect();
    for (const auto& piece : pieces) {
      EXPECT_EQ(peer.receive(), "");
      EXPECT_TRUE(events.empty());
      peer.send(piece);
      bench.turn();
    }
    ASSERT_EQ(peer.receive(), plain_answer);
    ASSERT_EQ(events, Events{"open"});
    ASSERT_TRUE(bench.last().is_open());
    bench.connections.clear();
  });
}

TEST(ClientConnection, AnswersWhereverItsInputIsCut) {
  const auto input =
      protocol::test::bytes(std::string(plain_handshake) + client_frame(0x81, "hello") + client_frame(0x02, "two ") +
                            client_frame(0x89, "ping") + client_frame(0x80, "parts") + client_frame(0x81, ""));
  Events events;
  ConnectionBench bench(recording_echo(events));
  for_each_cutting(input, [&](const std::vector<protocol::test::Bytes>& pieces) {
    events.clear();
    Peer peer = bench.connect();
    for (const auto& piece : pieces) {
      peer.send(piece);
      bench.turn();
    }
    ASSERT_EQ(peer.receive(plain_answer.size()), plain_answer);
    ASSERT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "hello"}, {0x8A, "ping"}, {0x82, "two parts"}, {0x81, ""}}));
    ASSERT_EQ(events, (Events{"open", "message hello", "message two parts", "message "}));
    bench.connections.clear();
  });
}

TEST(ClientConnection, RefusesABadRequestAndTheApplicationNeverHearsOfIt) {
  Events events;
  ConnectionBench bench(recording_echo(events));
  Peer peer = bench.connect();
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + client_frame(0x81, "hello"));
  bench.turn();
  const std::string answer = peer.receive();
  EXPECT_EQ(answer.substr(0, 10), "HTTP/1.1 4") << answer;
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(bench.counters.protocol_errors.get(), 1U);
  EXPECT_FALSE(bench.is_empty()) << "it waits for the peer to have read the answer";
  peer.hang_up();
  bench.turn();
  EXPECT_TRUE(bench.is_empty());
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(bench.counters.connections.get(), 0U);
}

TEST(ClientConnection, APeerThatGoesAwayBeforeItsRequestIsCompleteLeavesNothing) {
  Events events;
  ConnectionBench bench(recording_echo(events));
  Peer peer = bench.connect();
  peer.send(plain_handshake.substr(0, 30));
  bench.turn();
  peer.hang_up();
  bench.turn();
  EXPECT_TRUE(bench.is_empty());
  EXPECT_TRUE(events.empty());
}

TEST(ClientConnection, CountsWhatItDoes) {
  Events events;
  ConnectionBench bench(recording_echo(events));
  Peer peer = bench.open();
  EXPECT_EQ(bench.counters.connections.get(), 1U);
  const std::string hello = client_frame(0x81, "hello");
  peer.send(hello + hello);
  bench.turn();
  EXPECT_EQ(bench.counters.messages_in.get(), 2U);
  EXPECT_EQ(bench.counters.messages_out.get(), 2U);
  EXPECT_EQ(bench.counters.bytes_in.get(), plain_handshake.size() + 2 * hello.size());
  EXPECT_EQ(bench.counters.bytes_out.get(), plain_answer.size() + peer.receive().size());
  peer.hang_up();
  bench.turn();
  EXPECT_EQ(bench.counters.connections.get(), 0U);
}

TEST(ClientConnection, ShowsItsRequestFromTheFirstCallbackToTheLast) {
  App app;
  std::vector<std::string> seen;
  const auto look = [&seen](Connection& connection) {
    const Request& request = connection.request();
    seen.push_back(std::string(request.method()) + " " + std::string(request.path()) + " " +
                   std::string(request.query()) + " " + std::string(request.header("hOST")) + " [" +
                   std::string(request.header("no-such")) + "] " + std::string(connection.remote_address()) + " " +
                   std::to_string(connection.id()) + " " + std::to_string(connection.worker().slot()));
  };
  app.on_open = look;
  app.on_close = [&look](Connection& connection, CloseInfo) { look(connection); };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.hang_up();
  bench.turn();
  const std::string expected = "GET /chat room=1 server.example.com [] 192.0.2.7 1 3";
  EXPECT_EQ(seen, (std::vector{expected, expected}));
}

TEST(ClientConnection, IsTheClientsThatATrustedProxySpeaksFor) {
  std::vector<std::string> seen;
  App app;
  app.on_handshake = [&seen](const Request& request, Handshake&) { seen.emplace_back(request.remote_address()); };
  app.on_open = [&seen](Connection& connection) { seen.emplace_back(connection.remote_address()); };
  ConnectionBench bench(std::move(app));
  const auto open = [&bench] {
    Peer peer = bench.connect();
    peer.send(protocol::test::with_header("X-Forwarded-For: 1.1.1.1, 203.0.113.9"));
    bench.turn();
    return peer;
  };
  const Peer untrusted = open();
  ASSERT_FALSE(bench.context.proxies.add("192.0.2.0/24"));
  const Peer trusted = open();
  EXPECT_EQ(seen, (std::vector<std::string>{"192.0.2.7", "192.0.2.7", "203.0.113.9", "203.0.113.9"}));
}

TEST(ClientConnection, OfAnOriginThatIsNotAllowedNeverReachesTheApplication) {
  bool asked = false;
  App app;
  app.on_handshake = [&asked](const Request&, Handshake&) { asked = true; };
  ConnectionBench bench(std::move(app));
  ASSERT_FALSE(bench.context.origins.add("https://a.example"));
  Peer peer = bench.connect();
  peer.send(protocol::test::with_header("Origin: https://b.example"));
  bench.turn();
  EXPECT_EQ(peer.receive().substr(0, 22), "HTTP/1.1 403 Forbidden");
  EXPECT_FALSE(asked);
  EXPECT_EQ(bench.counters.protocol_errors.get(), 1U);
}

TEST(ClientConnection, OutputOfATurnLeavesTogetherAfterEverythingThatWasRead) {
  App app;
  std::vector<SendResult> results;
  std::size_t buffered = 0;
  app.on_message = [&](Connection& connection, Message message) {
    results.push_back(connection.send(message.data));
    buffered = connection.buffered_bytes();
  };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "one") + client_frame(0x81, "two"));
  bench.turn();
  EXPECT_EQ(results, (std::vector{SendResult::sent, SendResult::sent}));
  EXPECT_EQ(buffered, 10U) << "nothing leaves inside a callback";
  EXPECT_EQ(bench.last().buffered_bytes(), 0U);
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "one"}, {0x81, "two"}}));
}

TEST(ClientConnection, SendsToOthersFromACallback) {
  ConnectionBench* at = nullptr;
  App app;
  app.on_message = [&at](Connection& connection, Message message) {
    for (ClientConnection& other : at->connections) {
      if (&other == &connection) continue;
      EXPECT_EQ(other.send({"to ", message.data}, MessageType::binary), SendResult::sent);
    }
  };
  ConnectionBench bench(std::move(app));
  at = &bench;
  Peer one = bench.open();
  Peer two = bench.open();
  Peer three = bench.open();
  one.send(client_frame(0x81, "all"));
  bench.turn();
  EXPECT_EQ(one.receive(), "");
  EXPECT_EQ(parse_frames(two.receive()), (Frames{{0x82, "to all"}}));
  EXPECT_EQ(parse_frames(three.receive()), (Frames{{0x82, "to all"}}));
}

// More than the turn's output buffer holds: it is flushed in between, and everyone still gets everything.
TEST(ClientConnection, ATurnThatSendsMoreThanTheArenaHoldsReachesEveryone) {
  ConnectionBench* at = nullptr;
  App app;
  const std::string payload(10'000, 'x');
  app.on_message = [&](Connection&, Message) {
    for (int i = 0; i < 5; ++i) {
      for (ClientConnection& connection : at->connections) {
        EXPECT_NE(connection.send({std::to_string(i), payload}, MessageType::text), SendResult::dropped);
      }
    }
  };
  ConnectionBench bench(std::move(app));
  at = &bench;
  std::vector<Peer> peers;
  for (int i = 0; i < 50; ++i) peers.push_back(bench.open());
  peers[0].send(client_frame(0x81, "go"));
  bench.turn();
  peers[1].send(client_frame(0x81, "go"));  // a turn that was not finished would corrupt this one
  bench.turn();
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const auto frames = parse_frames(peers[i].receive());
    ASSERT_EQ(frames.size(), 10U) << "connection " << i;
    for (std::size_t n = 0; n < frames.size(); ++n) ASSERT_EQ(frames[n].payload[0], '0' + static_cast<char>(n % 5));
  }
}

TEST(ClientConnection, WhatIsSentWhenTheArenaIsFullLeavesWithTheTurn) {
  ConnectionBench bench{App{}};
  Peer peer = bench.open();
  OutputArena::Chain filler;
  while (bench.context.arena.extend(filler, 1) != nullptr) {
  }
  EXPECT_NE(bench.last().send("hello", MessageType::text), SendResult::dropped);
  bench.end_turn();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "hello"}}));
}

TEST(ClientConnection, PingsWhenAskedTo) {
  App app;
  app.on_open = [](Connection& connection) { connection.ping(); };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x89, ""}}));
}

TEST(ClientConnection, IsIdleOnlyBetweenMessagesWithNothingToSend) {
  App app;
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  EXPECT_TRUE(bench.last().is_idle());
  peer.send(client_frame(0x81, "hello").substr(0, 8));
  bench.turn();
  EXPECT_FALSE(bench.last().is_idle());
  peer.send(client_frame(0x81, "hello").substr(8));
  bench.turn();
  EXPECT_TRUE(bench.last().is_idle());
  EXPECT_EQ(bench.last().send("x", MessageType::text), SendResult::sent);
  EXPECT_FALSE(bench.last().is_idle());
  bench.end_turn();
  EXPECT_TRUE(bench.last().is_idle());
}

TEST(ClientConnection, SaysGoodbyeToOneThatIsOpenAndToOneThatIsOpening) {
  Events events;
  ConnectionBench bench(recording_echo(events));
  Peer open = bench.open();
  bench.last().say_goodbye(1012);
  Peer opening = bench.connect();
  bench.last().say_goodbye(1012);
  bench.turn();
  EXPECT_EQ(parse_frames(open.receive()), (Frames{{0x88, close_payload(1012)}}));
  const std::string refusal = opening.receive();
  EXPECT_EQ(refusal.substr(0, 12), "HTTP/1.1 503");
  EXPECT_NE(refusal.find("\r\nRetry-After: 1\r\n"), std::string::npos);
  EXPECT_TRUE(opening.ended());
  EXPECT_EQ(bench.counters.protocol_errors.get(), 0U) << "that is not the client's fault";
}

}  // namespace
}  // namespace wsd::worker
