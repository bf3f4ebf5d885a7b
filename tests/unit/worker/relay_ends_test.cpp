#include "worker/relay_ends.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace wsd::worker {
namespace {

using Ids = std::vector<ConnectionId>;

TEST(RelayEnds, ComeInTheOrderOfTheirTimes) {
  RelayEnds ends;
  ends.add(1, 7, 300);
  ends.add(2, 7, 100);
  ends.add(3, 8, 200);
  EXPECT_EQ(ends.take_due(99), Ids{});
  EXPECT_EQ(ends.take_due(200), (Ids{2, 3}));
  EXPECT_EQ(ends.take_due(1000), Ids{1});
  EXPECT_EQ(ends.take_due(1000), Ids{});
}

TEST(RelayEnds, AreKnownUntilThen) {
  RelayEnds ends;
  ends.add(1, 7, 300);
  EXPECT_EQ(ends.due_of(1), 300U);
  EXPECT_EQ(ends.relay_of(1), 7U);
  ends.add(4, 9, 0);
  EXPECT_EQ(ends.relay_of(4), 9U);
  for (const ConnectionId never : {2U, 4U}) EXPECT_EQ(ends.due_of(never), 0U);
  (void)ends.take_due(300);
  EXPECT_EQ(ends.due_of(1), 0U);
}

TEST(RelayEnds, OfOneRelayMayBeHastened) {
  RelayEnds ends;
  ends.add(1, 7, 0);
  ends.add(2, 7, 100);
  ends.add(3, 7, 900);
  ends.add(4, 8, 0);
  Ids connections = ends.connections_of(7);
  std::sort(connections.begin(), connections.end());
  EXPECT_EQ(connections, (Ids{1, 2, 3}));
  for (const ConnectionId id : {1U, 2U, 3U, 5U}) ends.hasten(id, 500);
  EXPECT_EQ(ends.take_due(499), Ids{2}) << "before, as it was";
  EXPECT_EQ(ends.take_due(500), (Ids{1, 3}));
  EXPECT_EQ(ends.take_due(1'000'000), Ids{});
}

}  // namespace
}  // namespace wsd::worker
