#include "worker/sampler.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

TEST(Sampler, MeasuresEachWhileThereAreFew) {
  Sampler sampler;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(sampler.is_due());
    ASSERT_EQ(sampler.weight(), 1U);
  }
}

TEST(Sampler, MeasuresSomeOneInSixteenWhenThereAreMany) {
  Sampler sampler;
  sampler.note(1'001, 1'000);
  int measured = 0;
  for (int i = 0; i < 160'000; ++i) measured += sampler.is_due() ? 1 : 0;
  EXPECT_GT(measured, 9'000);
  EXPECT_LT(measured, 11'000);
}

TEST(Sampler, WhatIsMeasuredStandsForAllThereWere) {
  Sampler sampler;
  sampler.note(2'000, 1'000);
  std::uint64_t weights = 0;
  std::uint64_t last = 0;
  for (std::uint64_t event = 1; event <= 10'000; ++event) {
    if (!sampler.is_due()) continue;
    weights += sampler.weight();
    last = event;
    ASSERT_EQ(weights, event);
  }
  EXPECT_GT(last, 9'960U);
}

TEST(Sampler, GoesBackToEachWhenThereAreFewAgain) {
  Sampler sampler;
  sampler.note(2'000, 1'000);
  for (int i = 0; i < 100; ++i) (void)sampler.is_due();
  sampler.note(2'010, 1'000);
  for (int i = 0; i < 64; ++i) (void)sampler.is_due();  // the distance that was chosen last
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sampler.is_due());
}

}  // namespace
}  // namespace wsd::worker
