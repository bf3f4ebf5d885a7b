// What a peer does not read: the send queue, on_buffer_full and on_buffer_drain.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace test;

class ClientConnectionSendQueue : public testing::Test {
 protected:
  static constexpr std::size_t message_size = 10'000;

  // Sends numbered messages until one is dropped; returns how many were not.
  static std::size_t send_until_dropped(ConnectionBench& bench) {
    std::size_t sent = 0;
    while (bench.last().send({std::to_string(sent), std::string(message_size, '.')}, MessageType::text) !=
           SendResult::dropped) {
      bench.end_turn();
      if (++sent > 10'000) break;
    }
    bench.end_turn();
    return sent;
  }
  static std::string read_all(ConnectionBench& bench, Peer& peer) {
    std::string stream;
    for (std::string part = peer.receive(); !part.empty(); part = peer.receive()) {
      stream += part;
      bench.turn();
    }
    return stream;
  }

  Events events_;
  Limits limits_{.send_queue = 50'000};
};

TEST_F(ClientConnectionSendQueue, IsBoundedAndSaysSoOnceUntilItHasDrained) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  const std::size_t sent = send_until_dropped(bench);
  EXPECT_EQ(bench.counters.send_dropped.get(), 1U);
  EXPECT_EQ(events_, (Events{"open", "full"}));
  EXPECT_LE(bench.last().buffered_bytes(), limits_.send_queue);
  EXPECT_GT(bench.last().buffered_bytes(), limits_.send_queue - message_size - 20);
  EXPECT_EQ(bench.last().send(std::string(message_size, 'x'), MessageType::text), SendResult::dropped);
  bench.end_turn();
  EXPECT_EQ(bench.counters.send_dropped.get(), 2U);
  EXPECT_EQ(events_.size(), 2U) << "full is told once";

  const auto frames = parse_frames(read_all(bench, peer));
  EXPECT_EQ(events_, (Events{"open", "full", "drain"}));
  EXPECT_EQ(bench.last().buffered_bytes(), 0U);
  ASSERT_EQ(frames.size(), sent);
  for (std::size_t i = 0; i < sent; ++i)
    ASSERT_EQ(frames[i].payload.substr(0, frames[i].payload.find('.')), std::to_string(i));

  (void)send_until_dropped(bench);
  (void)read_all(bench, peer);
  EXPECT_EQ(events_, (Events{"open", "full", "drain", "full", "drain"}));
}

TEST_F(ClientConnectionSendQueue, TakesSmallMessagesThatStillFit) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  (void)send_until_dropped(bench);
  EXPECT_EQ(bench.last().send("small", MessageType::text), SendResult::queued);
  bench.end_turn();
  EXPECT_EQ(parse_frames(read_all(bench, peer)).back(), (Frame{0x81, "small"}));
}

TEST_F(ClientConnectionSendQueue, WhenNothingWaitsAMessageOfAnySizeIsTaken) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  const std::string huge(5'000'000, 'x');
  EXPECT_EQ(bench.last().send(huge, MessageType::binary), SendResult::queued);
  bench.end_turn();
  EXPECT_EQ(events_, (Events{"open", "full"}));
  EXPECT_EQ(bench.last().send(std::string_view("x"), MessageType::text), SendResult::dropped);
  EXPECT_EQ(parse_frames(read_all(bench, peer)), (Frames{{0x82, huge}}));
  EXPECT_EQ(events_, (Events{"open", "full", "drain"}));
}

TEST_F(ClientConnectionSendQueue, AControlFramePassesIt) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  const std::size_t sent = send_until_dropped(bench);
  peer.send(client_frame(0x89, "ping"));
  bench.turn();
  auto frames = parse_frames(read_all(bench, peer));
  ASSERT_EQ(frames.size(), sent + 1);
  EXPECT_NE(frames.back(), (Frame{0x8A, "ping"}));
  EXPECT_EQ(std::erase(frames, Frame{0x8A, "ping"}), 1);
}

TEST_F(ClientConnectionSendQueue, AFloodOfPingsFromAPeerThatReadsNothingCostsAtMostAFewPongs) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  (void)send_until_dropped(bench);
  const std::size_t waiting = bench.last().buffered_bytes();
  const std::string ping = client_frame(0x89, std::string(125, 'p'));
  std::string pings;
  for (int i = 0; i < 500; ++i) pings += ping;
  for (int i = 0; i < 20; ++i) {
    peer.send(pings);
    bench.turn();
    ASSERT_LE(bench.last().buffered_bytes(), waiting + 2 * 127);
  }
  for (const Frame& frame : parse_frames(read_all(bench, peer))) EXPECT_NE(frame.first_byte, 0x89);
}

TEST_F(ClientConnectionSendQueue, ACloseLeavesBehindEverythingThatWaits) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  const std::size_t sent = send_until_dropped(bench);
  bench.last().close(4000, "done");
  bench.end_turn();
  const auto frames = parse_frames(read_all(bench, peer));
  ASSERT_EQ(frames.size(), sent + 1);
  EXPECT_EQ(frames.back(), (Frame{0x88, close_payload(4000, "done")}));
  EXPECT_EQ(events_, (Events{"open", "full"})) << "no drain for one that is closing";
}

TEST_F(ClientConnectionSendQueue, APeersCloseIsAnsweredBehindEverythingThatWaitsAndThenTheStreamEnds) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  const std::size_t sent = send_until_dropped(bench);
  peer.send(client_frame(0x88, close_payload(1000)));
  bench.turn();
  EXPECT_EQ(events_.back(), "close 1000 clean");
  const auto frames = parse_frames(read_all(bench, peer));
  ASSERT_EQ(frames.size(), sent + 1);
  EXPECT_EQ(frames.back(), (Frame{0x88, close_payload(1000)}));
  EXPECT_TRUE(peer.ended());
}

TEST_F(ClientConnectionSendQueue, APeerThatDiesWithAFullQueueIsGoneWithIt) {
  ConnectionBench bench(recording_echo(events_), limits_);
  Peer peer = bench.open();
  (void)send_until_dropped(bench);
  peer.hang_up();
  bench.turn();
  bench.turn();
  EXPECT_EQ(events_.back(), "close 1006 unclean");
  EXPECT_TRUE(bench.is_empty());
}

}  // namespace
}  // namespace wsd::worker
