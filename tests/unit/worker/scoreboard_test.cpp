#include "worker/scoreboard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
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

TEST(Scoreboard, AHistogramCountsByOrdersOfMagnitude) {
  Histogram histogram;
  for (const std::uint64_t value : {0U, 1U, 2U, 3U, 4U, 5U, 1024U, 1025U}) histogram.add(value);
  EXPECT_EQ(histogram.in_bucket(0), 2U);   // up to 1
  EXPECT_EQ(histogram.in_bucket(1), 1U);   // up to 2
  EXPECT_EQ(histogram.in_bucket(2), 2U);   // up to 4
  EXPECT_EQ(histogram.in_bucket(3), 1U);   // up to 8
  EXPECT_EQ(histogram.in_bucket(10), 1U);  // up to 1024
  EXPECT_EQ(histogram.in_bucket(11), 1U);
  EXPECT_EQ(histogram.sum(), 0U + 1 + 2 + 3 + 4 + 5 + 1024 + 1025);
}

TEST(Scoreboard, AHistogramTakesWhatIsTooLargeForItIntoItsLastBucket) {
  Histogram histogram;
  histogram.add(std::uint64_t{1} << 39U);
  histogram.add(std::uint64_t{1} << 63U);
  EXPECT_EQ(histogram.in_bucket(Histogram::bucket_count - 1), 2U);
}

TEST(Scoreboard, AHistogramsValueMayStandForSeveral) {
  Histogram histogram;
  histogram.add(3, 16);
  EXPECT_EQ(histogram.in_bucket(2), 16U);
  EXPECT_EQ(histogram.sum(), 48U);
}

// A field that somebody appends and forgets in the lists would be lost with its process.
TEST(Scoreboard, EveryFieldIsAGaugeOrIsFolded) {
  // heartbeat_ns, connections, loop_lag_ms, relayed, connection_limit, history_messages, history_channels
  const std::size_t gauges = 7;
  ScoreboardRow row;
  auto* const words = reinterpret_cast<Counter*>(&row);
  constexpr std::size_t count = sizeof(row) / sizeof(Counter);
  for (std::size_t i = 0; i < count; ++i) words[i].set(1);
  ScoreboardRow sum;
  add_counters(sum, row);
  const auto* const sums = reinterpret_cast<const Counter*>(&sum);
  std::size_t folded = 0;
  for (std::size_t i = 0; i < count; ++i) folded += sums[i].get();
  const std::size_t padding =
      count - (row_counters.size() + row_histograms.size() * (Histogram::bucket_count + 1) + gauges);
  EXPECT_LT(padding, alignof(ScoreboardRow) / sizeof(Counter)) << "a field is in no list, and not among the gauges";
  EXPECT_EQ(folded + gauges + padding, count);
}

TEST(Scoreboard, IsReadAsAWhole) {
  Scoreboard scoreboard = Scoreboard::create();
  scoreboard.open_row(3, 1, 7);
  scoreboard.set_pid(3, 4711);
  scoreboard.row(3).messages_in.add(5);
  scoreboard.row(3).connections.set(2);
  scoreboard.master().reloads.add(1);
  const ScoreboardReading reading = scoreboard.read();
  ASSERT_EQ(reading.processes.size(), 1U);
  EXPECT_EQ(reading.processes[0].slot, 1U);
  EXPECT_EQ(reading.processes[0].generation, 7U);
  EXPECT_EQ(reading.processes[0].pid, 4711U);
  EXPECT_EQ(reading.processes[0].row.connections.get(), 2U);
  ASSERT_EQ(reading.slots.size(), 1U);
  EXPECT_EQ(reading.slots.at(1).messages_in.get(), 5U);
  EXPECT_EQ(reading.master.reloads.get(), 1U);
}

TEST(Scoreboard, WhatAProcessCountedStaysWithItsSlot) {
  Scoreboard scoreboard = Scoreboard::create();
  scoreboard.open_row(0, 1, 1);
  scoreboard.row(0).messages_in.add(5);
  scoreboard.row(0).connections.set(2);
  scoreboard.row(0).message_size.add(100);
  scoreboard.close_row(0);
  scoreboard.open_row(0, 1, 2);
  EXPECT_EQ(scoreboard.row(0).messages_in.get(), 0U);
  scoreboard.row(0).messages_in.add(2);
  const ScoreboardReading reading = scoreboard.read();
  EXPECT_EQ(reading.slots.at(1).messages_in.get(), 7U);
  EXPECT_EQ(reading.slots.at(1).message_size.sum(), 100U);
  EXPECT_EQ(reading.slots.at(1).connections.get(), 0U) << "gauges go with their process";
}

TEST(Scoreboard, SumsNeverGoBackForAReaderInAnotherProcess) {
  Scoreboard scoreboard = Scoreboard::create();
  scoreboard.open_row(0, 0, 1);
  scoreboard.row(0).messages_in.add(1);
  const testing_support::ChildProcess writer([&scoreboard](const std::function<void()>& ready) {
    ready();
    for (std::uint32_t generation = 2;; ++generation) {
      scoreboard.row(0).messages_in.add(1);
      scoreboard.close_row(0);
      scoreboard.open_row(0, 0, generation);
      ::usleep(200);  // so that a reader gets in between: one that never does gives up after a second
    }
    return 0;
  });
  std::uint64_t last = 0;
  for (int look = 0; look < 300; ++look) {
    const ScoreboardReading reading = scoreboard.read();
    const std::uint64_t sum = reading.slots.at(0).messages_in.get();
    ASSERT_GE(sum, last);
    last = sum;
  }
}

TEST(Scoreboard, IsReadThoughItsMasterDiedWhileItFoldedARow) {
  Scoreboard scoreboard = Scoreboard::create();
  scoreboard.open_row(0, 0, 1);
  scoreboard.row(0).messages_in.add(1);
  const Scoreboard other = Scoreboard::map(FileDescriptor(::dup(scoreboard.descriptor())));
  const std::uint64_t unfinished = 1;
  ASSERT_EQ(::pwrite(scoreboard.descriptor(), &unfinished, sizeof(unfinished), sizeof(Scoreboard::Header)),
            static_cast<ssize_t>(sizeof(unfinished)));
  EXPECT_EQ(other.read().slots.at(0).messages_in.get(), 1U);
}

TEST(Scoreboard, OfAnotherLayoutIsNotMapped) {
  const Scoreboard scoreboard = Scoreboard::create();
  EXPECT_TRUE(Scoreboard::has_this_layout(scoreboard.descriptor()));
  const std::uint32_t another = 77;
  ASSERT_EQ(::pwrite(scoreboard.descriptor(), &another, sizeof(another), 4), static_cast<ssize_t>(sizeof(another)));
  EXPECT_FALSE(Scoreboard::has_this_layout(scoreboard.descriptor()));
  EXPECT_THROW(Scoreboard::map(FileDescriptor(::dup(scoreboard.descriptor()))), std::runtime_error);
}

TEST(ScoreboardDeathTest, ARowBeyondTheLastIsABug) {
  Scoreboard scoreboard = Scoreboard::create();
  EXPECT_DEATH((void)scoreboard.row(Scoreboard::capacity), "index < capacity");
}

}  // namespace
}  // namespace wsd::worker
