#include "master/respawn_backoff.h"

#include <gtest/gtest.h>

namespace wsd::master {
namespace {

using namespace std::chrono_literals;

const SupervisorSettings kSettings;

TEST(RespawnBackoff, IsNothingFirstAndThenDoublesToTenSeconds) {
  RespawnBackoff backoff;
  for (const Duration expected : {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10000ms, 10000ms}) {
    EXPECT_EQ(backoff.after_crash(kSettings), expected);
  }
}

TEST(RespawnBackoff, SkipsTheFirstStepAfterAFailedStart) {
  RespawnBackoff backoff;
  EXPECT_EQ(backoff.after_failed_start(kSettings), 100ms);
  EXPECT_EQ(backoff.after_failed_start(kSettings), 200ms);
  EXPECT_EQ(backoff.after_crash(kSettings), 400ms);
}

TEST(RespawnBackoff, BeginsAnewWhenReset) {
  RespawnBackoff backoff;
  (void)backoff.after_failed_start(kSettings);
  backoff.reset();
  EXPECT_EQ(backoff.after_crash(kSettings), 0ms);
}

TEST(RespawnBackoff, TellsOnceThatItHasReachedItsLastStep) {
  RespawnBackoff backoff;
  for (int death = 1; death <= 7; ++death) {
    (void)backoff.after_crash(kSettings);
    EXPECT_FALSE(backoff.just_reached_last_step(kSettings));
  }
  EXPECT_EQ(backoff.after_crash(kSettings), 6400ms);
  EXPECT_TRUE(backoff.just_reached_last_step(kSettings));
  (void)backoff.after_crash(kSettings);
  EXPECT_FALSE(backoff.just_reached_last_step(kSettings));
}

}  // namespace
}  // namespace wsd::master
