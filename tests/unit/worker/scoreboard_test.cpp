#include "worker/scoreboard.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/support/child_process.h"

namespace wsd::worker {
namespace {

TEST(Scoreboard, BeginsWithEveryRowAtZero) {
  const Scoreboard scoreboard = Scoreboard::create();
  for (const std::size_t index : {std::size_t{0}, Scoreboard::capacity - 1}) {
    const ScoreboardRow& row = scoreboard.row(index);
    EXPECT_EQ(row.heartbeat_ns.get(), 0U);
    EXPECT_EQ(row.connections.get(), 0U);
    EXPECT_EQ(row.protocol_errors.get(), 0U);
  }
}

TEST(Scoreboard, ACounterAddsAndIsSet) {
  Counter counter;
  counter.add(3);
  counter.add(4);
  EXPECT_EQ(counter.get(), 7U);
  counter.set(1);
  EXPECT_EQ(counter.get(), 1U);
}

TEST(Scoreboard, AParentReadsWhatItsChildWrites) {
  Scoreboard scoreboard = Scoreboard::create();
  testing_support::ChildProcess child([&scoreboard](const std::function<void()>& ready) {
    scoreboard.row(5).messages_in.add(42);
    scoreboard.row(Scoreboard::capacity - 1).send_dropped.set(7);
    ready();
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(scoreboard.row(5).messages_in.get(), 42U);
  EXPECT_EQ(scoreboard.row(5).messages_out.get(), 0U);
  EXPECT_EQ(scoreboard.row(4).messages_in.get(), 0U);
  EXPECT_EQ(scoreboard.row(Scoreboard::capacity - 1).send_dropped.get(), 7U);
}

TEST(Scoreboard, RowsStayWhereTheyAreWhenItIsMoved) {
  Scoreboard scoreboard = Scoreboard::create();
  ScoreboardRow* const row = &scoreboard.row(1);
  row->accepted.add(1);
  const Scoreboard moved = std::move(scoreboard);
  EXPECT_EQ(&moved.row(1), row);
  EXPECT_EQ(moved.row(1).accepted.get(), 1U);
}

TEST(ScoreboardDeathTest, ARowBeyondTheLastIsABug) {
  Scoreboard scoreboard = Scoreboard::create();
  EXPECT_DEATH((void)scoreboard.row(Scoreboard::capacity), "index < capacity");
}

}  // namespace
}  // namespace wsd::worker
