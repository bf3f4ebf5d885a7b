// Clients are watched edge-triggered: the kernel tells once what is there, and nobody may be forgotten over that.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace test;

class ClientConnectionReadiness : public testing::Test {
 protected:
  [[nodiscard]] bool has(std::string_view event) const { return std::ranges::find(events_, event) != events_.end(); }

  Events events_;
};

TEST_F(ClientConnectionReadiness, MoreThanOneReadTakesIsReadOnWithoutAnotherByte) {
  App app = recording_echo(events_);
  app.on_message = [this](Connection&, Message message) { events_.push_back(std::to_string(message.data.size())); };
  ConnectionBench bench(std::move(app));
  Peer peer = bench.open();
  const int room = 1024 * 1024;
  ASSERT_EQ(::setsockopt(peer.descriptor(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
  const std::size_t size = bench.context.read_buffer().size() + 10'000;
  peer.send(client_frame(0x82, std::string(size, 'x')));
  bench.run_until([&] { return has(std::to_string(size)); });
}

TEST_F(ClientConnectionReadiness, AnEndRightBehindTheLastMessageIsNoticed) {
  for (const bool hangs_up : {false, true}) {
    events_.clear();
    ConnectionBench bench(recording_echo(events_));
    Peer peer = bench.open();
    peer.send(client_frame(0x81, "last words"));
    hangs_up ? peer.hang_up() : peer.finish();
    bench.run_until([&] { return has("close 1006 unclean"); });
    EXPECT_EQ(events_, (Events{"open", "message last words", "close 1006 unclean"}));
  }
}

TEST_F(ClientConnectionReadiness, WhatComesWhileASlowReaderIsWrittenToIsRead) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  test::shrink_send_buffer(bench.last().descriptor());
  const std::string large(100'000, 'l');
  peer.send(client_frame(0x81, large));
  bench.turn();
  ASSERT_GT(bench.last().buffered_bytes(), 0U);
  peer.send(client_frame(0x81, "meanwhile"));
  bench.run_until([&] { return has("message meanwhile"); });
  std::string answer;
  bench.run_until([&] {
    answer += peer.receive();
    return bench.last().buffered_bytes() == 0;
  });
  answer += peer.receive();
  EXPECT_TRUE(answer.ends_with("meanwhile"));
  peer.send(client_frame(0x81, "afterwards"));
  bench.run_until([&] { return has("message afterwards"); });
}

TEST_F(ClientConnectionReadiness, WhatCameDuringAPauseIsReadAfterIt) {
  ConnectionBench bench(recording_echo(events_));
  Peer peer = bench.open();
  bench.last().pause_receive();
  peer.send(client_frame(0x81, "came"));
  bench.turn();
  bench.turn();
  EXPECT_EQ(events_, Events{"open"});
  bench.last().resume_receive();
  bench.run_until([&] { return has("message came"); });
}

}  // namespace
}  // namespace wsd::worker
