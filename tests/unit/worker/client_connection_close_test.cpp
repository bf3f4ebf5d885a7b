// How connections end: by the peer, by the application, by a failure (RFC 6455 §7).
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace test;

class ClientConnectionClose : public testing::Test {
 protected:
  // The only frame that has come is a Close with this.
  void expect_close(Peer& peer, const std::string& payload) {
    EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x88, payload}}));
  }

  Events events_;
};

TEST_F(ClientConnectionClose, ThePeersCloseIsEchoedAndThenTheStreamEndsByUsFirst) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  peer.send(client_frame(0x88, close_payload(1001, "bye")));
  bench.turn();
  expect_close(peer, close_payload(1001));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(events_, (Events{"open", "close 1001 clean bye"}));
  EXPECT_TRUE(bench.is_empty()) << "nothing more comes from it: nothing to wait for";
}

TEST_F(ClientConnectionClose, ACloseWithoutACodeIs1005AndAnsweredWithoutOne) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  peer.send(client_frame(0x88, ""));
  bench.turn();
  expect_close(peer, "");
  EXPECT_EQ(events_, (Events{"open", "close 1005 clean"}));
}

TEST_F(ClientConnectionClose, NothingThatFollowsThePeersCloseIsHeard) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "before") + client_frame(0x88, "") + client_frame(0x81, "after"));
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "message before", "close 1005 clean"}));
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "before"}, {0x88, ""}}));
}

TEST_F(ClientConnectionClose, TheApplicationsCloseFollowsWhatItSentAndWaitsForTheAnswer) {
  App app = recording_echo(events_);
  app.on_message = [](Connection& connection, Message) {
    EXPECT_EQ(connection.send("last"), SendResult::sent);
    connection.close(4000, "enough");
    connection.close(4001, "again");
    EXPECT_EQ(connection.send("too late"), SendResult::dropped);
    connection.ping();
  };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "x") + client_frame(0x81, "not heard any more"));
  bench.turn();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "last"}, {0x88, close_payload(4000, "enough")}}));
  EXPECT_FALSE(peer.ended());
  EXPECT_EQ(events_, Events{"open"});
  peer.send(client_frame(0x81, "on its way") + client_frame(0x89, "ping") + client_frame(0x88, close_payload(4000)));
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "close 4000 clean enough"}));
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(bench.counters.messages_in.get(), 1U);
}

TEST_F(ClientConnectionClose, ACodeThatMayNotBeSentIs1011) {
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
    Events events;
    ConnectionBench bench(recording_echo(events));
    Peer peer = bench.open();
    bench.last().close(static_cast<std::uint16_t>(code), "reason");
    bench.turn();
    expect_close(peer, close_payload(1011, "reason"));
  }
}

TEST_F(ClientConnectionClose, AReasonThatIsTooLongIsCut) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  bench.last().close(1000, std::string(500, 'r'));
  bench.turn();
  expect_close(peer, close_payload(1000, std::string(123, 'r')));
}

TEST_F(ClientConnectionClose, AViolationIsAnsweredWithItsCodeAndEndsTheConnection) {
  struct Case {
    std::string input;
    std::uint16_t code;
  };
  Limits limits;
  limits.max_message = 1000;
  const std::vector<Case> cases{
      {std::string("\x81\x05hello", 7), 1002},             // not masked
      {client_frame(0xC1, "hello"), 1002},                 // RSV1
      {client_frame(0x83, "hello"), 1002},                 // an opcode without a meaning
      {client_frame(0x80, "hello"), 1002},                 // nothing to continue
      {client_frame(0x81, "\xFF"), 1007},                  // not UTF-8
      {client_frame(0x82, std::string(1001, 'x')), 1009},  // over the limit
      {client_frame(0x88, "x"), 1002},                     // half a close code
      {client_frame(0x88, close_payload(1005)), 1002},     // never on the wire
  };
  for (const Case& each : cases) {
    Events events;
    ConnectionBench bench(recording_echo(events), limits);
    Peer peer = bench.open();
    peer.send(client_frame(0x81, "good") + each.input + client_frame(0x81, "after"));
    bench.turn();
    const auto frames = parse_frames(peer.receive());
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0], (Frame{0x81, "good"}));
    EXPECT_EQ(frames[1].first_byte, 0x88);
    EXPECT_EQ(frames[1].payload.substr(0, 2), close_payload(each.code));
    EXPECT_TRUE(peer.ended());
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[2].substr(0, 18), "close " + std::to_string(each.code) + " unclean");
    EXPECT_EQ(bench.counters.protocol_errors.get(), 1U);
    peer.hang_up();
    bench.turn();
    EXPECT_TRUE(bench.is_empty());
  }
}

TEST_F(ClientConnectionClose, AViolationInsteadOfAnAnswerEndsItWithoutASecondClose) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  bench.last().close(1000, {});
  bench.turn();
  peer.send(client_frame(0x83, "?"));
  bench.turn();
  expect_close(peer, close_payload(1000));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(events_.back().substr(0, 18), "close 1002 unclean");
}

TEST_F(ClientConnectionClose, APeerThatEndsTheStreamWithoutACloseIs1006) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "last"));
  peer.finish();
  bench.turn();
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "message last", "close 1006 unclean"}));
  EXPECT_TRUE(bench.is_empty());
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "last"}})) << "it may still read";
}

TEST_F(ClientConnectionClose, DestroyLeavesNoCloseAndTheCallbackIsNotInsideTheCall) {
  App app = recording_echo(events_);
  app.on_message = [this](Connection& connection, Message) {
    events_.emplace_back("message");
    EXPECT_EQ(connection.send("never sent"), SendResult::sent);
    connection.destroy();
    connection.destroy();
    connection.close(1000, {});
    connection.pause_receive();
    connection.resume_receive();
    connection.ping();
    EXPECT_EQ(connection.send("x"), SendResult::dropped);
    EXPECT_EQ(connection.buffered_bytes(), 0U);
    events_.emplace_back("still in the call");
  };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "1") + client_frame(0x81, "2"));
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "message", "still in the call", "close 1006 unclean"}));
  EXPECT_TRUE(bench.is_empty());
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ClientConnectionClose, MayBeDestroyedInAnyCallback) {
  const auto run = [this](App app) {
    events_.clear();
    ConnectionBench bench(std::move(app), {.send_queue = 30'000});
    Peer peer = bench.connect();
    peer.send(std::string(test::plain_handshake) + client_frame(0x81, "x") + client_frame(0x81, "y") +
              client_frame(0x88, ""));
    bench.turn();
    peer.receive();
    bench.turn();
    EXPECT_TRUE(bench.is_empty());
    EXPECT_EQ(std::ranges::count_if(events_, [](const std::string& e) { return e.starts_with("close"); }), 1);
  };
  App in_open = recording_echo(events_);
  in_open.on_open = [](Connection& connection) { connection.destroy(); };
  run(in_open);
  EXPECT_EQ(events_, Events{"close 1006 unclean"});
  App in_close = recording_echo(events_);
  in_close.on_close = [this](Connection& connection, CloseInfo info) {
    events_.push_back(event_of(info));
    connection.destroy();
  };
  run(in_close);
  App in_full = recording_echo(events_);
  in_full.on_buffer_full = [](Connection& connection) { connection.destroy(); };
  in_full.on_message = [this](Connection& connection, Message) {
    events_.emplace_back("message");
    for (int i = 0; i < 4; ++i) (void)connection.send(std::string(10'000, 'x'));  // nothing leaves inside a callback
  };
  run(in_full);
}

TEST_F(ClientConnectionClose, MayBeDestroyedByAnotherInTheSameTurn) {
  ConnectionBench* at = nullptr;
  App app = recording_echo(events_);
  app.on_message = [&](Connection& connection, Message) {
    events_.emplace_back("message");
    for (ClientConnection& other : at->connections) {
      if (&other != &connection) other.destroy();
    }
  };
  ConnectionBench bench(std::move(app));
  at = &bench;
  Peer one = bench.open();
  Peer two = bench.open();
  one.send(client_frame(0x81, "x"));
  two.send(client_frame(0x81, "x"));
  bench.turn();  // both are in the batch: whoever comes first ends the other
  EXPECT_EQ(events_, (Events{"open", "open", "message", "close 1006 unclean"}));
  EXPECT_EQ(bench.connections.size(), 1U);
}

TEST_F(ClientConnectionClose, WhatIsSentFromOnCloseIsDropped) {
  App app = recording_echo(events_);
  SendResult result = SendResult::sent;
  app.on_close = [&result](Connection& connection, CloseInfo) {
    result = connection.send("x");
    connection.close(1000, {});
    connection.pause_receive();
  };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.send(client_frame(0x88, close_payload(1000)));
  bench.turn();
  EXPECT_EQ(result, SendResult::dropped);
  expect_close(peer, close_payload(1000));
  peer.hang_up();
  bench.turn();
  EXPECT_TRUE(bench.is_empty());
}

TEST_F(ClientConnectionClose, ACallbackThatThrowsCostsItsConnection1011AndNoOther) {
  App app = recording_echo(events_);
  app.on_message = [](Connection&, Message message) {
    if (message.data == "bad") throw std::runtime_error("a mistake of the application");
  };
  ConnectionBench bench(std::move(app));
  Peer other = bench.open();
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "bad") + client_frame(0x81, "bad"));
  bench.turn();
  expect_close(peer, close_payload(1011));
  other.send(client_frame(0x89, "p"));
  bench.turn();
  EXPECT_EQ(parse_frames(other.receive()), (Frames{{0x8A, "p"}}));
}

TEST_F(ClientConnectionClose, AnOnOpenThatThrowsAnswersTheHandshakeAndCloses) {
  App app = recording_echo(events_);
  app.on_open = [](Connection&) { throw std::runtime_error("a mistake of the application"); };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  expect_close(peer, close_payload(1011));
  peer.send(client_frame(0x88, close_payload(1011)));
  bench.turn();
  EXPECT_EQ(events_, Events{"close 1011 clean"});
}

TEST_F(ClientConnectionClose, AnOnCloseThatThrowsChangesNothing) {
  App app = recording_echo(events_);
  app.on_close = [](Connection&, CloseInfo) { throw std::runtime_error("a mistake of the application"); };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.hang_up();
  bench.turn();
  EXPECT_TRUE(bench.is_empty());
}

TEST_F(ClientConnectionClose, OneThatIsLostTellsItOnce) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  bench.last().lose();
  bench.last().lose();
  bench.end_turn();
  EXPECT_TRUE(bench.is_empty());
  EXPECT_EQ(events_, (Events{"open", "close 1006 unclean"}));
}

// Where the turn's output buffer is full a call flushes it first, and that may be when the stream turns out to be dead:
// the connection is gone before the call goes on.
class ClientConnectionLateDeath : public testing::Test {
 protected:
  static void fill_arena(ConnectionBench& bench) {
    while (bench.context.arena.extend(filler_, 1) != nullptr) {
    }
    filler_ = {};
  }

  static inline OutputArena::Chain filler_;
  Events events_;
};

TEST_F(ClientConnectionLateDeath, InCloseItStaysGone) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  EXPECT_EQ(bench.last().send("x", MessageType::text), SendResult::sent);
  peer.hang_up();
  fill_arena(bench);
  bench.last().close(1000, {});
  EXPECT_TRUE(bench.last().is_gone());
  if (!bench.last().is_gone()) return;
  bench.end_turn();
  EXPECT_EQ(events_, (Events{"open", "close 1006 unclean"}));
  EXPECT_TRUE(bench.is_empty());
}

TEST_F(ClientConnectionLateDeath, InSendItIsSaidAndStaysGone) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  EXPECT_EQ(bench.last().send("x", MessageType::text), SendResult::sent);
  peer.hang_up();
  fill_arena(bench);
  EXPECT_EQ(bench.last().send("y", MessageType::text), SendResult::dropped);
  EXPECT_EQ(bench.last().buffered_bytes(), 0U);
  bench.end_turn();
  EXPECT_EQ(events_, (Events{"open", "close 1006 unclean"}));
  EXPECT_TRUE(bench.is_empty());
}

TEST_F(ClientConnectionLateDeath, InAPingItStaysGone) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  EXPECT_EQ(bench.last().send("x", MessageType::text), SendResult::sent);
  peer.hang_up();
  fill_arena(bench);
  bench.last().ping();
  bench.end_turn();
  EXPECT_EQ(events_, (Events{"open", "close 1006 unclean"}));
  EXPECT_TRUE(bench.is_empty());
}

}  // namespace
}  // namespace wsd::worker
