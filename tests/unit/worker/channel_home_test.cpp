#include "worker/channel_home.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/connection_id.h"

namespace wsd::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> members(const ChannelHome& home, std::size_t limit = 1000) {
  std::vector<std::string> texts;
  for (const Member& member : home.members(limit)) {
    texts.push_back(std::to_string(member.id) + "=" + std::string(member.name));
  }
  return texts;
}

std::vector<std::string> history(const ChannelHome& home) {
  std::vector<std::string> texts;
  for (const ChannelHome::Past& past : home.history()) texts.push_back(past.data);
  return texts;
}

void say(ChannelHome& home, std::string_view data, std::size_t limit) {
  home.remember({.channel = "c", .data = data, .type = MessageType::text, .publisher = 7, .excluded = {}}, limit);
}

TEST(ChannelHome, AMemberJoinsOnceAndLeavesOnce) {
  ChannelHome home;
  const auto joined = home.join(1, "Ann", true);
  EXPECT_TRUE(joined.accepted);
  EXPECT_TRUE(joined.is_news);
  EXPECT_FALSE(joined.old_name);
  const auto again = home.join(1, "Ann", true);
  EXPECT_TRUE(again.accepted);
  EXPECT_FALSE(again.is_news);
  EXPECT_EQ(home.member_count(), 1U);
  EXPECT_EQ(home.leave(1), "Ann");
  EXPECT_EQ(home.leave(1), std::nullopt);
  EXPECT_TRUE(home.is_empty());
}

TEST(ChannelHome, AUniqueNameIsOneMembersUntilItLeavesOrTakesAnother) {
  ChannelHome home;
  EXPECT_TRUE(home.join(1, "Ann", true).accepted);
  EXPECT_FALSE(home.join(2, "Ann", true).accepted);
  EXPECT_THAT(members(home), ElementsAre("1=Ann"));
  EXPECT_TRUE(home.join(2, "ann", true).accepted) << "names are bytes";
  const auto renamed = home.join(1, "Bob", true);
  EXPECT_TRUE(renamed.accepted);
  EXPECT_TRUE(renamed.is_news);
  EXPECT_EQ(renamed.old_name, "Ann");
  EXPECT_TRUE(home.join(3, "Ann", true).accepted);
  EXPECT_FALSE(home.join(1, "Ann", true).accepted);
  EXPECT_THAT(members(home), ElementsAre("1=Bob", "2=ann", "3=Ann")) << "who is refused keeps the old name";
  (void)home.leave(3);
  EXPECT_TRUE(home.join(1, "Ann", true).accepted);
}

TEST(ChannelHome, AnEmptyNameBelongsToNobody) {
  ChannelHome home;
  EXPECT_TRUE(home.join(1, "", true).accepted);
  EXPECT_TRUE(home.join(2, "", true).accepted);
  EXPECT_TRUE(home.join(2, "Ann", true).accepted);
  EXPECT_EQ(home.join(2, "", true).old_name, "Ann");
  EXPECT_TRUE(home.join(1, "Ann", true).accepted);
}

TEST(ChannelHome, WhereNamesAreNotUniqueManyHaveOne) {
  ChannelHome home;
  for (ConnectionId id = 1; id <= 3; ++id) EXPECT_TRUE(home.join(id, "Ann", false).accepted);
  (void)home.leave(2);
  EXPECT_EQ(home.join(1, "Bob", false).old_name, "Ann");
  EXPECT_FALSE(home.join(4, "Ann", true).accepted) << "3 has it still";
  (void)home.leave(3);
  EXPECT_TRUE(home.join(4, "Ann", true).accepted);
}

TEST(ChannelHome, ListsAtMostSoMany) {
  ChannelHome home;
  for (ConnectionId id = 1; id <= 5; ++id) (void)home.join(id, "", false);
  EXPECT_THAT(members(home, 2), ElementsAre("1=", "2="));
  EXPECT_THAT(members(home, 0), IsEmpty());
  EXPECT_EQ(home.member_count(), 5U);
}

TEST(ChannelHome, KnowsTheMembersOfASlotUpToTheLastSlot) {
  ChannelHome home;
  for (const unsigned slot : {0U, 1U, 2U, 254U, 255U}) {
    for (const std::uint64_t low : {std::uint64_t{1}, (std::uint64_t{1} << slot_shift) - 2}) {
      (void)home.join(first_id_of(slot) | low, "", false);
    }
  }
  EXPECT_THAT(home.members_of_slot(0), ElementsAre(1, 0x00FFFFFFFFFFFFFE));
  EXPECT_THAT(home.members_of_slot(1), ElementsAre(0x0100000000000001, 0x01FFFFFFFFFFFFFE));
  EXPECT_THAT(home.members_of_slot(3), IsEmpty());
  EXPECT_THAT(home.members_of_slot(254), ElementsAre(0xFE00000000000001, 0xFEFFFFFFFFFFFFFE));
  EXPECT_THAT(home.members_of_slot(255), ElementsAre(0xFF00000000000001, 0xFFFFFFFFFFFFFFFE));
}

TEST(ChannelHome, KeepsTheLatestMessages) {
  ChannelHome home;
  for (const char* text : {"1", "2", "3", "4"}) say(home, text, 3);
  EXPECT_THAT(history(home), ElementsAre("2", "3", "4"));
  EXPECT_EQ(home.history().back(), (ChannelHome::Past{"4", MessageType::text, 7}));
  EXPECT_GT(home.history_bytes(), 3U);
  say(home, "5", 1);
  EXPECT_THAT(history(home), ElementsAre("5")) << "a new release keeps fewer";
  say(home, "6", 0);
  EXPECT_THAT(history(home), ElementsAre("5"));
  EXPECT_FALSE(home.is_empty());
}

TEST(ChannelHome, LostHistoryIsSaidToBeLostUntilAsMuchHasComeSince) {
  ChannelHome home;
  EXPECT_FALSE(home.is_history_lost(2));
  home.lose_history();
  EXPECT_FALSE(home.is_empty()) << "that would be forgotten";
  say(home, "1", 2);
  EXPECT_TRUE(home.is_history_lost(2));
  say(home, "2", 2);
  EXPECT_FALSE(home.is_history_lost(2));
  ChannelHome heir;
  heir.restore(home.history(), home.lost_flag());
  EXPECT_TRUE(heir.is_history_lost(3));
  EXPECT_THAT(history(heir), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace wsd::worker
