#include "tests/wsbench/send_schedule.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace wsd::bench
