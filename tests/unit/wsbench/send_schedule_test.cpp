#include "tests/wsbench/send_schedule.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace wsd::bench {
namespace {

using namespace std::chrono_literals;

TEST(SendScheduleTest, IsSteady) {
  const Time start(1h);
  SendSchedule schedule(start, 1000);
  EXPECT_EQ(schedule.next_due(), start);
  EXPECT_EQ(schedule.take(), 0U);
  EXPECT_EQ(schedule.next_due(), start + 1ms);
  EXPECT_EQ(schedule.take(), 1U);
  EXPECT_EQ(schedule.next_due(), start + 2ms);
}

TEST(SendScheduleTest, DoesNotDriftWhereTheIntervalIsNoWholeNumber) {
  const Time start(1h);
  const SendSchedule schedule(start, 3'000'000);
  EXPECT_EQ(schedule.due(3'000'000ULL * 3600), start + 1h);
}

TEST(SendScheduleTest, GrowsInSteps) {
  const Time start(1h);
  const RateSteps steps(100, 1000, start + 1s, start + 11s);
  SendSchedule schedule(start, 50);
  schedule.follow(steps, 0.5);
  std::vector<int> taken(12);
  while (schedule.next_due() < start + 12s) {
    ++taken[static_cast<std::size_t>((schedule.next_due() - start) / 1s)];
    schedule.take();
  }
  EXPECT_EQ(taken, (std::vector<int>{50, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 500}));
}

TEST(RateStepsTest, KnowsWhenEachIs) {
  const Time start(1h);
  const RateSteps steps(100, 1000, start, start + 10s);
  EXPECT_EQ(steps.rate(0), 100);
  EXPECT_EQ(steps.rate(9), 1000);
  EXPECT_EQ(steps.step_at(start - 1ns), std::nullopt);
  EXPECT_EQ(steps.step_at(start), 0U);
  EXPECT_EQ(steps.step_at(start + 3s - 1ns), 2U);
  EXPECT_EQ(steps.step_at(start + 10s - 1ns), 9U);
  EXPECT_EQ(steps.step_at(start + 10s), std::nullopt);
}

TEST(RateStepsTest, CountsWhereItWasDoneAndTimesWhereItWasDue) {
  const Time start(1h);
  const RateSteps steps(100, 1000, start, start + 10s);
  const auto counts = std::make_unique<StepCounts>();
  counts->count(steps, start + 500ms, start + 2s);
  counts->count(steps, start - 1ms, start + 1ms);
  counts->count(steps, start + 9999ms, start + 11s);
  EXPECT_EQ(counts->at(0).done.value(), 1U);
  EXPECT_EQ(counts->at(2).done.value(), 1U);
  EXPECT_EQ(counts->at(9).done.value(), 0U);
  EXPECT_EQ(counts->at(0).latencies.max(), 1500ms);
  EXPECT_EQ(counts->at(9).latencies.count(), 1U);
}

TEST(RateStepsTest, WhatIsUnderWayIsNotMissing) {
  EXPECT_TRUE(follows(10, 5));
  EXPECT_FALSE(follows(10, 4));
  EXPECT_TRUE(follows(10'000, 9800));
  EXPECT_FALSE(follows(10'000, 9799));
}

}  // namespace
}  // namespace wsd::bench
