#include "worker/home_slot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::worker {
namespace {

TEST(HomeSlot, IsTheSameForEveryProcessAndRelease) {
  const auto homes_of = [](std::string_view channel) {
    std::vector<int> slots;
    for (const std::uint32_t homes : {1U, 2U, 3U, 4U, 8U, 64U, 256U}) slots.push_back(home_slot(channel, homes));
    return slots;
  };
  EXPECT_EQ(homes_of("lobby"), (std::vector<int>{0, 1, 2, 2, 5, 37, 94}));
  EXPECT_EQ(homes_of("chat/lobby"), (std::vector<int>{0, 0, 0, 3, 3, 46, 161}));
  EXPECT_EQ(homes_of("uid/7"), (std::vector<int>{0, 0, 0, 3, 6, 37, 143}));
  EXPECT_EQ(homes_of("\xe5\xa4\xa7\xe5\x8e\x85"), (std::vector<int>{0, 0, 0, 0, 0, 62, 211}));
}

TEST(HomeSlot, OfFewerHomesOnlyTheChannelsOfThoseThatGoMove) {
  for (std::uint32_t homes = 2; homes <= 32; ++homes) {
    for (int i = 0; i < 200; ++i) {
      const std::string channel = "room/" + std::to_string(i);
      const std::uint16_t before = home_slot(channel, homes);
      const std::uint16_t after = home_slot(channel, homes - 1);
      ASSERT_LT(before, homes);
      ASSERT_TRUE(before == homes - 1 || after == before) << channel << " of " << homes;
    }
  }
}

TEST(HomeSlot, EveryHomeHasItsShare) {
  constexpr std::uint32_t homes = 8;
  std::vector<int> count(homes);
  for (int i = 0; i < 8000; ++i) ++count[home_slot("room/" + std::to_string(i), homes)];
  for (const int channels : count) {
    EXPECT_GT(channels, 800);
    EXPECT_LT(channels, 1200);
  }
}

}  // namespace
}  // namespace wsd::worker
