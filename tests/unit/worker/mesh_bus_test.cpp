// Two or three buses and what they do for a worker, one promise at a time. What they do in disorder is
// mesh_bus_simulation_test.cpp's.
#include "worker/mesh_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/support/bus_worker.h"
#include "tests/unit/worker/support/sockets.h"
#include "worker/home_slot.h"

namespace wsd::worker {
namespace {

using test::BusWorker;
using testing::ElementsAre;
using testing::IsEmpty;

class MeshBusTest : public testing::Test {
 protected:
  explicit MeshBusTest(std::uint16_t count = 3, std::size_t max_waiting = std::size_t{16} << 20) {
    for (std::uint16_t slot = 0; slot < count; ++slot) {
      workers_.push_back(std::make_unique<BusWorker>(
          MeshBus::Place{.slot = slot, .incarnation = slot + 1U, .homes = count, .max_waiting = max_waiting}));
    }
    for (std::uint16_t one = 0; one < count; ++one) {
      for (std::uint16_t other = 0; other < one; ++other) link(one, other);
    }
    for (auto& worker : workers_) worker->bus.complete(count);
    turns();
  }

  void link(std::uint16_t one, std::uint16_t other) {
    auto [here, there] = test::socket_pair();
    test::shrink_send_buffer(here.get());
    test::shrink_send_buffer(there.get());
    workers_[one]->bus.add_link(other, std::move(here));
    workers_[other]->bus.add_link(one, std::move(there));
  }
  void turns(int count = 20) {
    for (int i = 0; i < count; ++i) {
      for (auto& worker : workers_) {
        if (worker != nullptr) worker->turn();
      }
    }
  }
  BusWorker& at(std::size_t slot) { return *workers_[slot]; }
  // A kept channel whose home is this slot.
  std::string channel_at(std::uint16_t home, const std::string& kind = "room") const {
    for (int i = 0;; ++i) {
      std::string channel = kind + std::to_string(i);
      if (home_slot(channel, static_cast<std::uint32_t>(workers_.size())) == home) return channel;
    }
  }
  static Publication publication(std::string_view channel, std::string_view data) {
    return {.channel = channel, .data = data, .type = MessageType::text, .publisher = 0, .excluded = {}};
  }

  std::vector<std::unique_ptr<BusWorker>> workers_;
};

TEST_F(MeshBusTest, EveryoneIsSettledWhenAllHaveIntroducedThemselves) {
  for (auto& worker : workers_) EXPECT_TRUE(worker->is_settled());
  BusWorker alone(0, 1, 1);
  EXPECT_FALSE(alone.is_settled());
  alone.bus.complete(1);
  EXPECT_TRUE(alone.is_settled());
}

TEST_F(MeshBusTest, ANeighbourThatSaysNothingKeepsNobodyFromServingForLong) {
  BusWorker fresh(7, 9, 3);
  auto [here, there] = test::socket_pair();
  fresh.bus.add_link(1, std::move(here));
  fresh.bus.complete(3);
  fresh.turn();
  EXPECT_FALSE(fresh.is_settled());
  const auto begin = uv_hrtime();
  while (!fresh.is_settled() && uv_hrtime() - begin < 5'000'000'000) fresh.loop().turn(Loop::Patience::until_due);
  EXPECT_TRUE(fresh.is_settled());
  EXPECT_GE(uv_hrtime() - begin, 400'000'000U);
}

TEST_F(MeshBusTest, APublicationTellsHowManyGotItEverywhere) {
  for (std::size_t slot = 0; slot < 3; ++slot) {
    for (std::size_t i = 0; i <= slot; ++i) {
      at(slot).subscribe(at(slot).connect(), "plain");
      at(slot).subscribe(at(slot).connections.rbegin()->first, "hist");
    }
  }
  turns();
  std::vector<std::string> told;
  for (const char* channel : {"plain", "hist", "plain of nobody", "hist of nobody"}) {
    const auto tell = [&told](const Delivery& delivery) {
      told.push_back(std::to_string(delivery.subscribers) + (delivery.partial ? " partial" : ""));
    };
    EXPECT_EQ(at(1).bus.publish(publication(channel, "x"), tell), SendResult::sent);
    EXPECT_EQ(told.size(), 0U) << "never from within the call";
    turns();
    EXPECT_THAT(std::exchange(told, {}), ElementsAre(std::string(channel).ends_with("nobody") ? "0" : "6"));
  }
}

TEST_F(MeshBusTest, AMessageGoesOnceToASlotThatHasSubscribers) {
  const ConnectionId one = at(0).connect();
  at(0).subscribe(one, "plain");
  at(0).subscribe(at(0).connect(), "plain");
  turns();
  at(1).bus.publish(publication("plain", "1"), {});
  turns();
  EXPECT_THAT(at(0).log["plain"], ElementsAre("1"));
  EXPECT_THAT(at(2).log, IsEmpty());
  at(0).disconnect(one);
  at(0).disconnect(at(0).connections.begin()->first);
  turns();
  at(1).bus.publish(publication("plain", "2"), {});
  turns();
  EXPECT_THAT(at(0).log["plain"], ElementsAre("1"));
}

TEST_F(MeshBusTest, OneConnectionIsReachedWhereverItIs) {
  const ConnectionId here = at(1).connect();
  const ConnectionId there = at(2).connect();
  std::vector<std::string> told;
  const auto tell = [&told](const ToldOne& one) {
    told.push_back(std::string(one.found ? "found" : "unknown") + (one.partial ? " partial" : ""));
  };
  EXPECT_EQ(at(1).bus.send_to(here, "here", MessageType::text, {}), SendResult::sent);
  EXPECT_EQ(at(1).bus.send_to(there, "there", MessageType::text, {}), SendResult::sent);
  EXPECT_EQ(at(1).bus.send_to(id_base(9, 1) | 1, "nowhere", MessageType::text, {}), SendResult::dropped);
  for (const ConnectionId id : {here, there, here + 1, there + 1, id_base(9, 1) | 1}) {
    (void)at(1).bus.send_to(id, "asked", MessageType::text, tell);
    turns();
  }
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("found", "found", "unknown", "unknown", "unknown"));
  EXPECT_THAT(at(1).sent, ElementsAre(testing::Pair(here, "here"), testing::Pair(here, "asked")));
  EXPECT_THAT(at(2).sent, ElementsAre(testing::Pair(there, "there"), testing::Pair(there, "asked")));
  std::vector<ConnectionReport> reports;
  for (const ConnectionId id : {there, there + 1}) {
    at(1).bus.ask_connection(id, [&](const ConnectionReport& report) { reports.push_back(report); });
    turns();
  }
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_TRUE(reports[0].found);
  EXPECT_EQ(reports[0].slot, 2U);
  EXPECT_EQ(reports[0].remote_address, "192.0.2.7");
  EXPECT_FALSE(reports[1].found);
  for (const ConnectionId id : {here, there, there}) {
    at(1).bus.close_connection(id, 1000, "", tell);
    turns();
  }
  EXPECT_THAT(told, ElementsAre("found", "found", "unknown"));
}

TEST_F(MeshBusTest, ChannelsAreListedByNameAndPrefix) {
  at(0).subscribe(at(0).connect(), "plain/b");
  at(1).subscribe(at(1).connect(), "plain/a");
  at(2).subscribe(at(2).connect(), "plain/b");
  at(2).subscribe(at(2).connections.begin()->first, "other");
  turns();
  std::string list;
  at(1).bus.list_channels("plain/", [&](const ChannelList& channels) {
    for (const ChannelCount& one : channels.channels) list += one.name + "=" + std::to_string(one.subscribers) + " ";
    EXPECT_FALSE(channels.partial);
  });
  turns();
  EXPECT_EQ(list, "plain/a=1 plain/b=2 ");
}

TEST_F(MeshBusTest, ASlotThatDoesNotAnswerMakesAnAnswerPartialIn500Milliseconds) {
  at(0).subscribe(at(0).connect(), "plain");
  at(2).subscribe(at(2).connect(), "plain");
  turns();
  std::vector<ChannelReport> reports;
  at(1).bus.ask_channel("plain", [&](const ChannelReport& report) { reports.push_back(report); });
  const auto begin = uv_hrtime();
  while (reports.empty() && uv_hrtime() - begin < 5'000'000'000) at(0).turn(), at(1).turn();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].partial);
  EXPECT_EQ(reports[0].subscribers, 1U);
  turns();
  EXPECT_EQ(reports.size(), 1U) << "too late";
}

TEST_F(MeshBusTest, PresenceAndHistoryAreOneTruthOnTheMachine) {
  for (const std::uint16_t home : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{2}}) {
    const std::string channel = channel_at(home);
    const ConnectionId ann = at(0).connect();
    const ConnectionId other = at(1).connect();
    at(0).subscribe(ann, channel, "Ann");
    at(1).subscribe(other, channel, "Ann");
    turns();
    const bool ann_has_it = at(0).connections[ann].contains(channel);
    EXPECT_NE(ann_has_it, at(1).connections[other].contains(channel)) << "one of them gets it";
    at(2).bus.publish(publication(channel, "1"), {});
    turns();
    const ConnectionId late = at(2).connect();
    at(2).subscribe(late, channel, "late");
    turns();
    EXPECT_THAT(at(2).connections[late][channel].received, ElementsAre("1"));
    EXPECT_EQ(at(2).last_members, 2U);
  }
}

TEST_F(MeshBusTest, AfterTheHomesDeathItsSuccessorKnowsTheMembersAndSaysThatHistoryIsLost) {
  const std::string channel = channel_at(2);
  const ConnectionId ann = at(0).connect();
  at(0).subscribe(ann, channel, "Ann");
  turns();
  at(1).bus.publish(publication(channel, "before"), {});
  turns();
  workers_[2].reset();
  turns();
  EXPECT_EQ(at(1).bus.publish(publication(channel, "between"), {}), SendResult::queued);
  workers_[2] = std::make_unique<BusWorker>(2, 9, 3);
  link(2, 0);
  link(2, 1);
  at(2).bus.complete(3);
  turns();
  EXPECT_THAT(at(0).connections[ann][channel].received, ElementsAre("before", "between"));
  EXPECT_EQ(at(0).log[channel].at(2), "=" + std::to_string(ann) + "=Ann,");
  const ConnectionId bob = at(2).connect();
  at(2).subscribe(bob, channel, "Ann");
  turns();
  EXPECT_THAT(at(2).refusals, ElementsAre("Ann"));
  at(2).subscribe(bob, channel, "Bob");
  turns();
  EXPECT_THAT(at(2).connections[bob][channel].received, ElementsAre("between"));
  EXPECT_TRUE(at(2).connections[bob][channel].history_lost);
}

TEST_F(MeshBusTest, ASlotThatIsStalledWhenAHomeBeginsGetsWhatThatPassesOn) {
  const std::string channel = channel_at(2, "hist");
  const ConnectionId ann = at(0).connect();
  at(0).subscribe(ann, channel);
  turns();
  at(1).bus.publish(publication(channel, "before"), {});
  turns();
  workers_[2].reset();
  const auto others_turn = [this] {
    for (int i = 0; i < 20; ++i) {
      at(1).turn();
      at(2).turn();
    }
  };
  workers_[2] =
      std::make_unique<BusWorker>(MeshBus::Place{.slot = 2, .incarnation = 9, .homes = 3, .settle_patience_ms = 0});
  auto [here, there] = test::socket_pair();
  at(2).bus.add_link(0, std::move(there));
  link(2, 1);
  at(2).bus.complete(3);
  others_turn();
  ASSERT_TRUE(at(2).is_settled()) << "it does not wait for slot 0";
  at(1).bus.publish(publication(channel, "meanwhile"), {});
  at(1).bus.publish(publication("plain", "of no interest"), {});
  others_turn();
  at(0).bus.add_link(2, std::move(here));
  turns();
  EXPECT_THAT(at(0).connections[ann][channel].received, ElementsAre("before", "meanwhile"));
  EXPECT_FALSE(at(0).log.contains("plain"));
}

// ---- limits ---------------------------------------------------------------------------------------------------------

class MeshBusWithLimits : public MeshBusTest {
 protected:
  static constexpr std::size_t limit = 200'000;
  MeshBusWithLimits() : MeshBusTest(3, limit) {}
};

TEST_F(MeshBusWithLimits, ASlotThatDoesNotReadCostsTheOthersNothingAndItsMessagesAreCounted) {
  at(0).subscribe(at(0).connect(), "plain");
  at(2).subscribe(at(2).connect(), "plain");
  turns();
  const std::string data(5000, 'x');
  std::size_t dropped = 0;
  for (int i = 0; i < 200; ++i) {
    if (at(1).bus.publish(publication("plain", data), {}) == SendResult::dropped) ++dropped;
    for (int turn = 0; turn < 10; ++turn) at(1).turn(), at(0).turn();
  }
  EXPECT_EQ(at(0).log["plain"].size(), 200U);
  EXPECT_GT(dropped, 100U);
  EXPECT_EQ(at(1).counters.bus_dropped.get(), dropped);
  turns(200);
  EXPECT_EQ(at(2).log["plain"].size(), 200U - dropped);
}

TEST_F(MeshBusWithLimits, AHomeDoesNotCollectWithoutEndForASlotThatDoesNotRead) {
  const std::string channel = channel_at(1, "hist");
  at(0).subscribe(at(0).connect(), channel);
  at(2).subscribe(at(2).connect(), channel);
  turns();
  const std::string data(5000, 'x');
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(at(1).bus.publish(publication(channel, data), {}), SendResult::sent);
    for (int turn = 0; turn < 10; ++turn) at(1).turn(), at(0).turn();
  }
  EXPECT_EQ(at(0).log[channel].size(), 200U);
  EXPECT_GT(at(1).counters.bus_dropped.get(), 100U);
  const MeshBus::State state = at(1).bus.save();
  EXPECT_LT(state.records.size(), limit + 50'000);
  turns(200);
  EXPECT_EQ(at(2).log[channel].size(), 200U - at(1).counters.bus_dropped.get());
}

// ---- from one worker to another -------------------------------------------------------------------------------------

TEST_F(MeshBusTest, AStateThatIsNoneIsRefused) {
  const MeshBus::State state = at(0).bus.save();
  std::size_t taken = 0;
  for (std::size_t size = 1; size < state.records.size(); ++size) {
    BusWorker heir(0, 20, 3);
    if (heir.bus.restore(std::span(state.records).first(size), {})) ++taken;
  }
  EXPECT_LT(taken, 10U) << "only what is cut between two records makes sense";
  BusWorker heir(0, 20, 3);
  const std::string nonsense = "nonsense";
  EXPECT_FALSE(heir.bus.restore(test::bytes_of(nonsense), {}));
}

TEST_F(MeshBusTest, OneThatWasHandedOverSaysNothingMore) {
  at(2).subscribe(at(2).connect(), "plain");
  turns();
  (void)at(1).bus.save();
  at(1).bus.hand_over();
  EXPECT_EQ(at(1).bus.publish(publication("plain", "1"), {}), SendResult::dropped);
  EXPECT_FALSE(at(1).bus.has_inbox());
  turns();
  EXPECT_THAT(at(2).log["plain"], IsEmpty());
}

}  // namespace
}  // namespace wsd::worker
