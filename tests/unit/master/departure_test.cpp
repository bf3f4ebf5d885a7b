#include "master/departure.h"

#include <gtest/gtest.h>

namespace wsd::master {
namespace {

using namespace std::chrono_literals;
using Step = Departure::Step;

constexpr TimePoint kNow{1h};
const SupervisorSettings kSettings;

TEST(Departure, HasNoDeadlineWhileTheWorkerStays) {
  EXPECT_EQ(Departure().deadline(), std::nullopt);
}

TEST(Departure, GivesEachStepItsTime) {
  Departure departure;
  EXPECT_TRUE(departure.advance_to(Step::draining, kNow, kSettings));
  EXPECT_EQ(departure.deadline(), kNow + 30s);
  EXPECT_TRUE(departure.advance_to(Step::leaving, kNow, kSettings));
  EXPECT_EQ(departure.deadline(), kNow + 3s);
  EXPECT_TRUE(departure.advance_to(Step::killed, kNow, kSettings));
  EXPECT_EQ(departure.deadline(), kNow + 2s);
  EXPECT_TRUE(departure.advance_to(Step::unkillable, kNow, kSettings));
  EXPECT_EQ(departure.deadline(), std::nullopt);
}

TEST(Departure, KnowsNoWayBack) {
  Departure departure;
  EXPECT_TRUE(departure.advance_to(Step::leaving, kNow, kSettings));
  EXPECT_FALSE(departure.advance_to(Step::draining, kNow + 1s, kSettings));
  EXPECT_FALSE(departure.advance_to(Step::leaving, kNow + 1s, kSettings));
  EXPECT_EQ(departure.step(), Step::leaving);
  EXPECT_EQ(departure.deadline(), kNow + 3s) << "asking again gives no more time";
}

TEST(Departure, LeadsFromEachStepToAHarderOne) {
  Departure departure;
  for (const Step next : {Step::draining, Step::leaving, Step::killed, Step::unkillable}) {
    EXPECT_EQ(departure.next_step(), next);
    EXPECT_TRUE(departure.advance_to(departure.next_step(), kNow, kSettings));
  }
}

TEST(Departure, LeadsFromAbortedToKilled) {
  Departure departure;
  EXPECT_TRUE(departure.advance_to(Step::aborted, kNow, kSettings));
  EXPECT_EQ(departure.deadline(), kNow + 1s);
  EXPECT_EQ(departure.next_step(), Step::killed);
}

}  // namespace
}  // namespace wsd::master
