#include "worker/interest_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace wsd::worker {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(InterestTable, KnowsWhichSlotsWantAChannel) {
  InterestTable table;
  EXPECT_THAT(table.slots_of("a"), IsEmpty());
  table.add("a", 1);
  table.add("a", 2);
  table.add("a", 2);
  table.add("b", 2);
  EXPECT_THAT(table.slots_of("a"), UnorderedElementsAre(1, 2));
  EXPECT_TRUE(table.is_interested("b", 2));
  EXPECT_FALSE(table.is_interested("b", 1));
  table.remove("a", 2);
  table.remove("a", 3);
  table.remove("c", 2);
  EXPECT_THAT(table.slots_of("a"), UnorderedElementsAre(1));
}

TEST(InterestTable, ASlotThatIsGoneWantsNothing) {
  InterestTable table;
  for (const char* channel : {"a", "b", "c"}) table.add(channel, 1);
  table.add("b", 2);
  table.remove_slot(1);
  std::map<std::string, std::size_t> left;
  table.for_each([&](const std::string& channel, const InterestTable::Slots& slots) { left[channel] = slots.size(); });
  EXPECT_EQ(left, (std::map<std::string, std::size_t>{{"b", 1}})) << "and what nobody wants takes no room";
}

TEST(InterestTable, ASlotThatHasNotToldYetHearsEverything) {
  InterestTable table;
  const auto listeners_of = [&table](std::string_view channel) {
    InterestTable::Slots slots;
    table.for_each_listener(channel, [&slots](std::uint16_t slot) { slots.push_back(slot); });
    return slots;
  };
  table.add("a", 1);
  table.expect(2);
  EXPECT_THAT(listeners_of("a"), UnorderedElementsAre(1, 2));
  EXPECT_THAT(listeners_of("b"), UnorderedElementsAre(2));
  EXPECT_THAT(table.slots_of("b"), IsEmpty()) << "nobody is known to want it";
  table.add("a", 2);
  EXPECT_THAT(listeners_of("a"), UnorderedElementsAre(1, 2)) << "once";
  table.note_told(2);
  EXPECT_THAT(listeners_of("b"), IsEmpty());
  table.expect(2);
  table.remove_slot(2);
  EXPECT_THAT(listeners_of("b"), IsEmpty());
  EXPECT_THAT(listeners_of("a"), UnorderedElementsAre(1));
}

}  // namespace
}  // namespace wsd::worker
