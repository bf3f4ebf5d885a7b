// What a peer may take its time for, and how long. Limits are short, and every wait is for a condition.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using namespace test;

class ClientConnectionDeadlines : public testing::Test {
 protected:
  Events events_;
};

TEST_F(ClientConnectionDeadlines, ARequestThatDoesNotComeIsAnsweredWith408) {
  ConnectionBench bench(recording_echo(events_), {.handshake_timeout = 2ms});
  Peer peer = bench.connect();
  peer.send(test::plain_handshake.substr(0, 50));
  std::string answer;
  bench.run_until([&] { return !(answer += peer.receive()).empty() && peer.ended(); });
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 408");
  EXPECT_TRUE(events_.empty());
}

TEST_F(ClientConnectionDeadlines, AnOpenConnectionHasNoHandshakeDeadline) {
  ConnectionBench bench(recording_echo(events_), {.handshake_timeout = 1ms});
  const Peer peer = bench.open();
  std::uint64_t begun = bench.context.now_ms();
  bench.run_until([&] { return bench.context.now_ms() > begun + 5; });
  EXPECT_TRUE(bench.last().is_open());
}

TEST_F(ClientConnectionDeadlines, ACloseThatIsNotAnsweredIs1006) {
  ConnectionBench bench(recording_echo(events_), {.close_timeout = 2ms});
  Peer peer = bench.open();
  bench.last().close(4000, {});
  bench.run_until([&] { return bench.is_empty(); });
  EXPECT_EQ(events_, (Events{"open", "close 1006 unclean"}));
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x88, close_payload(4000)}}));
  EXPECT_TRUE(peer.ended());
}

TEST_F(ClientConnectionDeadlines, APeerThatDoesNotEndItsStreamIsWaitedForOnlySoLong) {
  ConnectionBench bench(recording_echo(events_), {.close_timeout = 2ms});
  const Peer peer = bench.open();
  peer.send(client_frame(0x83, "a violation"));
  bench.turn();
  EXPECT_FALSE(bench.is_empty()) << "it may still have to read our Close";
  ASSERT_EQ(events_.size(), 2U);
  bench.run_until([&] { return bench.is_empty(); });
  EXPECT_EQ(events_.size(), 2U);
}

TEST_F(ClientConnectionDeadlines, ARefusedPeerIsWaitedForOnlySoLong) {
  ConnectionBench bench(recording_echo(events_), {.close_timeout = 2ms});
  const Peer peer = bench.connect();
  peer.send("nonsense\r\n\r\n");
  bench.turn();
  EXPECT_FALSE(bench.is_empty());
  bench.run_until([&] { return bench.is_empty(); });
}

TEST_F(ClientConnectionDeadlines, APeerThatAnswersNoPingsIsLostAfterTwo) {
  ConnectionBench bench(recording_echo(events_), {.ping_interval = 2ms});
  Peer peer = bench.open();
  bench.run_until([&] { return bench.is_empty(); });
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x89, ""}, {0x89, ""}}));
  EXPECT_EQ(events_, (Events{"open", "close 1006 unclean"}));
}

TEST_F(ClientConnectionDeadlines, APeerThatAnswersPingsStays) {
  // Longer than a turn takes on a busy machine.
  ConnectionBench bench(recording_echo(events_), {.ping_interval = 50ms});
  Peer peer = bench.open();
  int answered = 0;
  bench.run_until([&] {
    for (const Frame& frame : parse_frames(peer.receive())) {
      EXPECT_EQ(frame, (Frame{0x89, ""}));
      peer.send(client_frame(0x8A, frame.payload));
      ++answered;
    }
    return answered == 6;
  });
  EXPECT_EQ(events_, Events{"open"});
}

TEST_F(ClientConnectionDeadlines, OneThatSendsNoMessagesIsIdle) {
  ConnectionBench bench(recording_echo(events_), {.idle_timeout = 3ms});
  Peer peer = bench.open();
  std::string stream;
  bench.run_until([&] { return !(stream += peer.receive()).empty(); });
  EXPECT_EQ(parse_frames(stream), (Frames{{0x88, close_payload(1000, "idle")}}));
}

TEST_F(ClientConnectionDeadlines, AMessageThatTakesTooLongIsAPolicyViolation) {
  ConnectionBench bench(recording_echo(events_), {.message_timeout = 5ms});
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "hello").substr(0, 8));
  std::string stream;
  bench.run_until([&] { return !(stream += peer.receive()).empty(); });
  const auto frames = parse_frames(stream);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].payload.substr(0, 2), close_payload(1008));
}

TEST_F(ClientConnectionDeadlines, AMessageInManyFragmentsIsBoundedAsAWhole) {
  ConnectionBench bench(recording_echo(events_), {.message_timeout = 10ms});
  Peer peer = bench.open();
  peer.send(client_frame(0x01, "first"));
  std::string stream;
  bench.run_until([&] {
    if (bench.last().is_open()) peer.send(client_frame(0x00, "more"));
    return !(stream += peer.receive()).empty();
  });
  EXPECT_EQ(parse_frames(stream).at(0).payload.substr(0, 2), close_payload(1008));
}

TEST_F(ClientConnectionDeadlines, NoMessageHasNoDeadline) {
  ConnectionBench bench(recording_echo(events_), {.message_timeout = 2ms});
  Peer peer = bench.open();
  peer.send(client_frame(0x81, "whole"));
  const std::uint64_t begun = bench.context.now_ms();
  bench.run_until([&] { return bench.context.now_ms() > begun + 8; });
  EXPECT_EQ(events_, (Events{"open", "message whole"}));
  EXPECT_TRUE(bench.last().is_open());
}

// The clock stands still within a turn: a message that begins in the very millisecond of a look has not begun later.
TEST_F(ClientConnectionDeadlines, AMessageThatHasJustBegunIsNotLate) {
  ConnectionBench bench(recording_echo(events_));
  for (const std::uint64_t parity : {0U, 1U}) {
    Peer peer = bench.open();
    peer.send(client_frame(0x81, "hello").substr(0, 8));
    while (bench.context.now_ms() % 2 != parity) uv_update_time(bench.loop.get());
    bench.last().handle_ready(EPOLLIN);
    bench.last().handle_deadline();
    bench.end_turn();
    EXPECT_TRUE(bench.last().is_open()) << "at a clock of parity " << parity;
    EXPECT_EQ(peer.receive(), "");
  }
}

TEST_F(ClientConnectionDeadlines, APausedPeerThatSendsNothingIsNotLate) {
  ConnectionBench bench(recording_echo(events_), {.ping_interval = 0ms, .message_timeout = 3ms});
  const Peer peer = bench.open();
  bench.last().pause_receive();
  const std::uint64_t begun = bench.context.now_ms();
  bench.run_until([&] { return bench.context.now_ms() > begun + 10; });
  EXPECT_TRUE(bench.last().is_open());
}

}  // namespace
}  // namespace wsd::worker
