// What an application does not want to read now: pause_receive() and resume_receive().
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace test;

class ClientConnectionPause : public testing::Test {
 protected:
  // Echoes, and stops receiving at each "pause".
  App pausing() {
    App app = recording_echo(events_);
    app.on_message = [this](Connection& connection, Message message) {
      events_.emplace_back(message.data);
      if (message.data.starts_with("pause")) connection.pause_receive();
    };
    return app;
  }

  Events events_;
};

TEST_F(ClientConnectionPause, HoldsWhatWasReadAlreadyAndReadsNoMore) {
  ConnectionBench bench(pausing());
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "pause") + client_frame(0x81, "held"));
  bench.turn();
  peer.send(client_frame(0x81, "in the kernel"));
  bench.turn();
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "pause"}));
  bench.last().resume_receive();
  EXPECT_EQ(events_.size(), 2U) << "no callback from inside a call of the application";
  bench.end_turn();
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "pause", "held", "in the kernel"}));
}

TEST_F(ClientConnectionPause, HoldsWhereverTheInputIsCut) {
  const std::string input = client_frame(0x81, "pause 1") + client_frame(0x81, "two") + client_frame(0x81, "pause 3") +
                            client_frame(0x81, "four");
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    events_.clear();
    ConnectionBench bench(pausing());
    Peer peer = bench.open();
    peer.send(input.substr(0, cut));
    bench.turn();
    peer.send(input.substr(cut));
    for (int i = 0; i < 4; ++i) {
      bench.turn();
      bench.last().resume_receive();
      bench.end_turn();
    }
    ASSERT_EQ(events_, (Events{"open", "pause 1", "two", "pause 3", "four"})) << cut;
  }
}

TEST_F(ClientConnectionPause, PausedAndResumedInOneCallbackLosesNothing) {
  App app = recording_echo(events_);
  app.on_message = [this](Connection& connection, Message message) {
    events_.emplace_back(message.data);
    connection.pause_receive();
    connection.resume_receive();
  };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "1") + client_frame(0x81, "2") + client_frame(0x81, "3"));
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "1", "2", "3"}));
}

TEST_F(ClientConnectionPause, ResumedAndPausedAgainBeforeTheTurnEndsStaysPaused) {
  ConnectionBench bench(pausing());
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "pause") + client_frame(0x81, "held"));
  bench.turn();
  bench.last().resume_receive();
  bench.last().pause_receive();
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "pause"}));
  bench.last().resume_receive();
  bench.last().resume_receive();
  bench.end_turn();
  EXPECT_EQ(events_, (Events{"open", "pause", "held"}));
}

TEST_F(ClientConnectionPause, IsResumedFromAnotherConnectionsCallback) {
  ConnectionBench* at = nullptr;
  App app = pausing();
  const auto pausing_message = app.on_message;
  app.on_message = [&, pausing_message](Connection& connection, Message message) {
    pausing_message(connection, message);
    if (message.data == "resume") at->connections.at(1).resume_receive();
  };
  ConnectionBench bench(std::move(app));
  at = &bench;
  Peer one = bench.open();
  Peer two = bench.open();
  one.send(client_frame(0x81, "pause") + client_frame(0x81, "held"));
  bench.turn();
  two.send(client_frame(0x81, "resume"));
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "open", "pause", "resume", "held"}));
}

TEST_F(ClientConnectionPause, PausedInOnOpenTheFirstMessagesWait) {
  App app = pausing();
  app.on_open = [](Connection& connection) { connection.pause_receive(); };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.connect();
  peer.send(std::string(test::plain_handshake) + client_frame(0x81, "first"));
  bench.turn();
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(peer.receive(), test::plain_answer);
  bench.last().resume_receive();
  bench.turn();
  EXPECT_EQ(events_, Events{"first"});
}

TEST_F(ClientConnectionPause, AnApplicationThatClosesStillHearsThePeersAnswer) {
  ConnectionBench bench(pausing());
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "pause") + client_frame(0x81, "held"));
  bench.turn();
  bench.last().close(4000, {});
  bench.turn();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x88, close_payload(4000)}}));
  peer.send(client_frame(0x88, close_payload(4000)));
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "pause", "close 4000 clean"}));
}

// An order of the master closes between two of the loop's events, and what the kernel has may be told first.
TEST_F(ClientConnectionPause, WhatWasHeldComesBeforeWhatIsReadLater) {
  ConnectionBench bench(pausing());
  Peer peer = bench.open();
  const std::string answer = client_frame(0x88, close_payload(4000));
  const std::string half = client_frame(0x81, "half in what was held").substr(0, 10);
  peer.send(client_frame(0x81, "pause") + half);
  bench.turn();
  peer.send(client_frame(0x81, "half in what was held").substr(10) + answer);
  bench.last().close(4000, {});
  bench.last().handle_ready(EPOLLIN);
  bench.end_turn();
  EXPECT_EQ(events_, (Events{"open", "pause", "close 4000 clean"}));
}

TEST_F(ClientConnectionPause, APeerThatHangsUpMeanwhileIsLost) {
  ConnectionBench bench(pausing());
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "pause") + client_frame(0x81, "held"));
  bench.turn();
  peer.hang_up();
  bench.turn();
  EXPECT_EQ(events_, (Events{"open", "pause", "close 1006 unclean"}));
  EXPECT_TRUE(bench.is_empty());
}

}  // namespace
}  // namespace wsd::worker
