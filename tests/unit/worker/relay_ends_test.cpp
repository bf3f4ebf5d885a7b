#include "worker/relay_ends.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

using Ids = std::vector<ConnectionId>;

TEST(RelayEnds, ComeInTheOrderOfTheirTimes) {
  RelayEnds ends;
  ends.add(1, 300);
  ends.add(2, 100);
  ends.add(3, 200);
  EXPECT_EQ(ends.take_due(99), Ids{});
  EXPECT_EQ(ends.take_due(200), (Ids{2, 3}));
  EXPECT_EQ(ends.take_due(1000), Ids{1});
  EXPECT_EQ(ends.take_due(1000), Ids{});
}

TEST(RelayEnds, AreKnownUntilThen) {
  RelayEnds ends;
  ends.add(1, 300);
  EXPECT_EQ(ends.due_of(1), 300U);
  EXPECT_EQ(ends.due_of(2), 0U) << "never";
  (void)ends.take_due(300);
  EXPECT_EQ(ends.due_of(1), 0U);
}

}  // namespace
}  // namespace wsd::worker
