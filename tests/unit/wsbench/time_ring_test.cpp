#include "tests/wsbench/time_ring.h"

#include <gtest/gtest.h>

namespace wsd::bench {
namespace {

Time at(std::uint64_t nanosecond) {
  return Time(std::chrono::nanoseconds(nanosecond));
}

TEST(TimeRingTest, KeepsWhatIsNotAnswered) {
  TimeRing ring(3);
  const std::uint64_t first = 4'000'000'000;
  std::uint64_t oldest = first;
  for (std::uint64_t number = first; number < first + 1000; ++number) {
    ring.set(number, at(number), oldest);
    // Seven answers for eight messages: more and more wait.
    if (number % 8 != 0) ++oldest;
    for (std::uint64_t known = oldest; known <= number; ++known) ASSERT_EQ(ring.at(known), at(known));
  }
}

}  // namespace
}  // namespace wsd::bench
