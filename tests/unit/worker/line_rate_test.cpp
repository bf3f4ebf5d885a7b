#include "worker/line_rate.h"

#include <gmock/gmock.h>

#include <string>

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr LineRate::TimePoint begin{1h};

int taken(LineRate& rate, std::string_view kind, LineRate::TimePoint now, int attempts) {
  int lines = 0;
  for (int i = 0; i < attempts; ++i) lines += rate.take(kind, now) ? 1 : 0;
  return lines;
}

TEST(LineRate, WritesTheFirstOfAKindAtOnceAndHoldsBackTheRest) {
  LineRate rate;
  EXPECT_EQ(taken(rate, "refusals", begin, 1000), 10);
  EXPECT_EQ(taken(rate, "failures", begin, 1000), 10) << "another kind";
  EXPECT_EQ(taken(rate, "refusals", begin + 10s, 1000), 1);
}

TEST(LineRate, TellsOnceHowManyItHeldBack) {
  LineRate rate;
  EXPECT_EQ(taken(rate, "refusals", begin, 1010), 10);
  EXPECT_THAT(rate.take_held_back(begin + 9s), IsEmpty());
  EXPECT_THAT(rate.take_held_back(begin + 10s), ElementsAre(LineRate::HeldBack{"refusals", 1000}));
  EXPECT_THAT(rate.take_held_back(begin + 20s), IsEmpty());
}

TEST(LineRate, TellsOfEachKindInItsOwnTime) {
  LineRate rate;
  EXPECT_EQ(taken(rate, "refusals", begin, 12), 10);
  EXPECT_EQ(taken(rate, "failures", begin + 6s, 13), 10);
  EXPECT_THAT(rate.take_held_back(begin + 11s), ElementsAre(LineRate::HeldBack{"refusals", 2}));
  EXPECT_THAT(rate.take_held_back(begin + 16s), ElementsAre(LineRate::HeldBack{"failures", 3}));
}

TEST(LineRate, TellsEverythingAtTheEnd) {
  LineRate rate;
  EXPECT_EQ(taken(rate, "refusals", begin, 12), 10);
  EXPECT_EQ(taken(rate, "failures", begin, 13), 10);
  EXPECT_THAT(rate.take_all_held_back(),
              ElementsAre(LineRate::HeldBack{"failures", 3}, LineRate::HeldBack{"refusals", 2}));
  EXPECT_THAT(rate.take_all_held_back(), IsEmpty());
}

TEST(LineRate, BoundsTheNumberOfKinds) {
  LineRate rate;
  int lines = 0;
  for (int i = 0; i < 1000; ++i) lines += taken(rate, std::to_string(i), begin, 1);
  EXPECT_EQ(lines, static_cast<int>(LineRate::max_kinds) + 10);
}

}  // namespace
}  // namespace wsd::worker
