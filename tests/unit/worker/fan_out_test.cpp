// A channel with more subscribers than one turn is for (channel.h): what comes when, and what everybody gets in the
// end. A bench's turn() is one turn of the loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;
using testing::Lt;
using Texts = std::vector<std::string>;

class FanOut : public testing::Test {
 protected:
  static constexpr std::size_t count = 600;
  static constexpr std::size_t last = count - 1;

  void open(Limits limits = {}, App app = {}) {
    bench_ = std::make_unique<ConnectionBench>(std::move(app), limits);
    for (std::size_t i = 0; i < count; ++i) {
      peers_.push_back(bench_->open());
      bench_->last().subscribe("all", {});
    }
  }
  ConnectionBench& bench() { return *bench_; }
  ClientConnection& connection(std::size_t i) { return bench_->connections.at(i + 1); }
  // How many queues took it, or will.
  std::size_t publish(std::string_view text, std::vector<ConnectionId> excluded = {}) {
    return bench_->channels.deliver({"all", text, MessageType::text, 0, excluded});
  }
  static Texts texts_of(std::string_view frames) {
    Texts texts;
    for (const Frame& frame : parse_frames(frames)) texts.push_back(frame.payload);
    return texts;
  }
  Texts read(std::size_t i) { return texts_of(peers_[i].receive()); }
  // Until nothing waits for it: what the kernel has room for need not be whole frames.
  Texts read_all(std::size_t i) {
    std::string frames;
    for (bool waits = true; waits;) {
      waits = connection(i).buffered_bytes() > 0;
      const std::string more = peers_[i].receive();
      EXPECT_FALSE(waits && more.empty());
      if (more.empty()) break;
      frames += more;
      bench().turn();
    }
    return texts_of(frames);
  }
  std::size_t reached() {
    return static_cast<std::size_t>(std::ranges::count_if(peers_, [](Peer& peer) { return !peer.receive().empty(); }));
  }
  void finish() {
    while (bench_->channels.has_waiting()) bench_->turn();
    bench_->end_turn();
  }

  std::vector<Peer> peers_;
  std::unique_ptr<ConnectionBench> bench_;
};

TEST_F(FanOut, GoesOutInParts) {
  open();
  EXPECT_EQ(publish("hello"), count);
  bench().turn();
  const std::size_t first = reached();
  EXPECT_THAT(first, Gt(0U));
  EXPECT_THAT(first, Lt(count));
  finish();
  EXPECT_EQ(first + reached(), count);
}

TEST_F(FanOut, WhatIsPublishedMeanwhileJoinsWhatHasNotLeft) {
  open();
  publish("one");
  bench().turn();
  const std::uint64_t sent = bench().counters.messages_out.get();
  publish("two");
  bench().turn();
  EXPECT_EQ(bench().counters.messages_out.get() - sent, 2 * sent) << "the next ones get both, the first ones wait";
  finish();
  for (std::size_t i = 0; i < count; ++i) EXPECT_THAT(read(i), ElementsAre("one", "two")) << i;
}

TEST_F(FanOut, LeavesOutWhomItIsNotFor) {
  open();
  EXPECT_EQ(publish("not for two", {1, count, 99999}), count - 2);
  finish();
  EXPECT_THAT(read(0), IsEmpty());
  EXPECT_THAT(read(1), ElementsAre("not for two"));
  EXPECT_THAT(read(last), IsEmpty());
}

TEST_F(FanOut, WhatAConnectionIsSentItselfKeepsItsPlace) {
  open();
  publish("before");
  connection(last).send("own", MessageType::text);
  publish("after");
  bench().end_turn();
  EXPECT_THAT(read(last), ElementsAre("before", "own"));
  finish();
  EXPECT_THAT(read(last), ElementsAre("after"));
  EXPECT_THAT(read(0), ElementsAre("before", "after"));
}

TEST_F(FanOut, WhatATurnHasForAConnectionAlreadyGoesFirst) {
  open();
  connection(0).send("own", MessageType::text);
  publish("after");
  bench().turn();
  connection(last).send("own", MessageType::text);  // after which it is not its turn any more
  finish();
  EXPECT_THAT(read(0), ElementsAre("own", "after"));
  EXPECT_THAT(read(last), ElementsAre("after", "own"));
}

// Several at once, too, and in an order of their own where others are left out.
TEST_F(FanOut, OneThatDoesNotReadGetsTheRestLater) {
  open();
  test::shrink_send_buffer(connection(last).descriptor());
  Texts all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::to_string(i) + std::string(1000, 'x'));
    publish(all.back());
    if (i % 3 == 0) bench().turn();
  }
  finish();
  EXPECT_GT(connection(last).buffered_bytes(), 0U);
  EXPECT_EQ(read_all(last), all);
  EXPECT_EQ(read_all(0), all);
}

TEST_F(FanOut, AClosePassesNothing) {
  open();
  publish("before");
  connection(last).close(1000, {});
  EXPECT_EQ(publish("after"), last) << "it is open no more";
  finish();
  EXPECT_EQ(parse_frames(peers_[last].receive()), (std::vector<Frame>{{0x81, "before"}, {0x88, close_payload(1000)}}));
}

TEST_F(FanOut, WhoJoinsGetsWhatFollowsAndWhoLeavesWhatWas) {
  open();
  connection(0).unsubscribe("all");
  EXPECT_EQ(publish("one"), last);
  connection(0).subscribe("all", {});
  connection(last).unsubscribe("all");
  EXPECT_EQ(publish("two"), last);
  finish();
  EXPECT_THAT(read(0), ElementsAre("two"));
  EXPECT_THAT(read(1), ElementsAre("one", "two"));
  EXPECT_THAT(read(last), ElementsAre("one"));
}

TEST_F(FanOut, AllLeaveInTheMiddle) {
  open();
  publish(std::string(5000, 'x'));  // which the turn's output refers to
  bench().turn();
  for (std::size_t i = 0; i < count; ++i) connection(i).unsubscribe("all");
  EXPECT_FALSE(bench().channels.has_waiting());
  bench().end_turn();
  for (std::size_t i = 0; i < count; ++i) EXPECT_THAT(read(i), ElementsAre(std::string(5000, 'x'))) << i;
}

TEST_F(FanOut, DoesNotPileUp) {
  open();
  const Texts large{std::string(40'000, 'a'), std::string(40'000, 'b')};
  publish(large[0]);
  publish(large[1]);  // the first one is everybody's then
  EXPECT_EQ(read(last), Texts{large[0]});
  finish();
  EXPECT_EQ(read(last), Texts{large[1]});
  EXPECT_EQ(bench().counters.messages_out.get(), 2 * count);
}

TEST_F(FanOut, ASlowSubscriberIsClosedOnce) {
  open({.send_queue = 1000, .full_queue = FullQueue::close});
  test::shrink_send_buffer(connection(last).descriptor());
  for (int i = 0; i < 20; ++i) publish(std::string(1000, 'x'));
  finish();
  EXPECT_TRUE(connection(last).is_open()) << "nothing waited for it when they came";
  for (int i = 0; i < 2; ++i) publish(std::string(1000, 'x'));
  finish();
  EXPECT_EQ(bench().counters.slow_closed.get(), 1U);
  EXPECT_FALSE(connection(last).is_open());
  EXPECT_EQ(read(0).size(), 22U);
}

TEST_F(FanOut, OneThatDiesOnTheWayIsNoTrouble) {
  open();
  publish("one");
  for (std::size_t i = 0; i < count; i += 7) peers_[i].hang_up();
  bench().turn();
  publish("two");
  finish();
  EXPECT_THAT(read(1), ElementsAre("one", "two"));
  EXPECT_THAT(read(last), ElementsAre("one", "two"));
}

// Whatever happens in between: everybody gets what was published while it was subscribed, once and in order.
TEST_F(FanOut, NothingIsLostDoubledOrReordered) {
  open();
  std::minstd_rand random(7);
  std::vector<Texts> expected(count), got(count);
  std::vector<bool> subscribed(count, true);
  for (int step = 0; step < 400; ++step) {
    const std::size_t who = random() % count;
    const std::string text = std::to_string(step);
    switch (random() % 4) {
      case 0:
        subscribed[who] = !subscribed[who];
        subscribed[who] ? connection(who).subscribe("all", {}) : connection(who).unsubscribe("all");
        break;
      case 1:
        connection(who).send(text, MessageType::text);
        expected[who].push_back(text);
        break;
      case 2:
        publish(text);
        for (std::size_t i = 0; i < count; ++i) {
          if (subscribed[i]) expected[i].push_back(text);
        }
        break;
      default:
        bench().turn();
    }
    if (step % 50 == 0) {
      for (std::size_t i = 0; i < count; ++i) std::ranges::move(read(i), std::back_inserter(got[i]));
    }
  }
  finish();
  for (std::size_t i = 0; i < count; ++i) {
    std::ranges::move(read(i), std::back_inserter(got[i]));
    EXPECT_EQ(got[i], expected[i]) << i;
  }
}

}  // namespace
}  // namespace wsd::worker
