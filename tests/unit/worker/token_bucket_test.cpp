#include "worker/token_bucket.h"

#include <gtest/gtest.h>

#include <chrono>

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;

constexpr TokenBucket::TimePoint start{1h};

int taken(TokenBucket& bucket, TokenBucket::TimePoint now) {
  int count = 0;
  while (bucket.take(now)) ++count;
  return count;
}

TEST(TokenBucket, BeginsWithItsBurst) {
  TokenBucket bucket({.per_second = 5, .burst = 10}, start);
  EXPECT_EQ(taken(bucket, start), 10);
}

TEST(TokenBucket, FillsAtItsRateUpToTheBurst) {
  TokenBucket bucket({.per_second = 5, .burst = 10}, start);
  EXPECT_EQ(taken(bucket, start), 10);
  EXPECT_EQ(taken(bucket, start + 199ms), 0);
  EXPECT_EQ(taken(bucket, start + 201ms), 1);
  EXPECT_EQ(taken(bucket, start + 1201ms), 5);
  EXPECT_EQ(taken(bucket, start + 1h), 10);
}

// What was refused costs nothing: who goes on hammering is let in at the rate all the same.
TEST(TokenBucket, LetsInAtTheRateWhoeverHammersIt) {
  TokenBucket bucket({.per_second = 5, .burst = 10}, start);
  int count = 0;
  for (auto now = start; now <= start + 10s; now += 1ms) count += bucket.take(now) ? 1 : 0;
  EXPECT_EQ(count, 60);
}

}  // namespace
}  // namespace wsd::worker
