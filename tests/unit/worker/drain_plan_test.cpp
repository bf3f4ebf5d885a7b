#include "worker/drain_plan.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <vector>

namespace wsd::worker {
namespace {

using Ids = std::vector<ConnectionId>;

Ids ids(std::size_t count) {
  Ids all(count);
  std::iota(all.begin(), all.end(), ConnectionId{1});
  return all;
}

// When each leaves, looked at every millisecond.
std::vector<std::uint64_t> departures(std::size_t count, std::uint64_t begin, std::uint64_t window,
                                      std::uint32_t seed) {
  DrainPlan plan(ids(count), begin, window, seed);
  std::vector<std::uint64_t> times;
  for (std::uint64_t now = begin; now <= begin + window; ++now) {
    for (const ConnectionId id : plan.take_due(now)) {
      EXPECT_EQ(id, times.size() + 1) << "out of order";
      times.push_back(now);
    }
  }
  return times;
}

TEST(DrainPlan, EveryoneLeavesWithinTheWindowInOrder) {
  EXPECT_EQ(departures(1000, 50'000, 700, 1).size(), 1000U);
  EXPECT_EQ(departures(3, 50'000, 700, 1).size(), 3U);
}

TEST(DrainPlan, EachLeavesWithinItsOwnShare) {
  for (std::uint32_t seed = 1; seed < 50; ++seed) {
    const auto times = departures(10, 1000, 5000, seed);
    ASSERT_EQ(times.size(), 10U);
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_GE(times[i], 1000 + i * 500);
      EXPECT_LE(times[i], 1000 + (i + 1) * 500);
    }
  }
}

TEST(DrainPlan, WorkersDoNotMoveInStep) {
  std::set<std::vector<std::uint64_t>> plans;
  for (std::uint32_t seed = 1; seed <= 8; ++seed) plans.insert(departures(10, 0, 5000, seed));
  EXPECT_EQ(plans.size(), 8U);
  const auto times = departures(10, 0, 5000, 1);
  std::set<std::uint64_t> gaps;
  for (std::size_t i = 1; i < times.size(); ++i) gaps.insert(times[i] - times[i - 1]);
  EXPECT_GT(gaps.size(), 2U) << "without jitter every gap is the same";
}

TEST(DrainPlan, WithoutAWindowEveryoneLeavesAtOnce) {
  DrainPlan plan(ids(5), 1000, 0, 1);
  EXPECT_EQ(plan.take_due(1000), ids(5));
  EXPECT_EQ(plan.take_due(9999), Ids{});
}

TEST(DrainPlan, ALateLookTakesAllThatWereMissed) {
  DrainPlan plan(ids(5), 1000, 500, 1);
  EXPECT_EQ(plan.take_due(999), Ids{});
  EXPECT_EQ(plan.take_due(60'000), ids(5));
}

TEST(DrainPlan, NobodyIsNoPlan) {
  DrainPlan plan({}, 1000, 500, 1);
  EXPECT_EQ(plan.take_due(9999), Ids{});
}

TEST(DrainPlan, APostponedOneIsDueAgainAtTheNextLookAndOnlyOnce) {
  DrainPlan plan(ids(2), 1000, 0, 1);
  ASSERT_EQ(plan.take_due(1000), ids(2));
  plan.postpone(2);
  EXPECT_EQ(plan.take_due(1000), Ids{2});
  EXPECT_EQ(plan.take_due(1000), Ids{});
}

TEST(DrainPlan, ThoseThatWerePostponedComeBeforeThoseThatAreNew) {
  DrainPlan plan(ids(2), 0, 2000, 1);
  ASSERT_EQ(plan.take_due(1000), Ids{1});
  plan.postpone(1);
  EXPECT_EQ(plan.take_due(2000), (Ids{1, 2}));
}

}  // namespace
}  // namespace wsd::worker
