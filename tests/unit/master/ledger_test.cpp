#include "master/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace wsd::master {
namespace {

TEST(Ledger, BeginsEmpty) {
  const Ledger ledger;
  EXPECT_EQ(ledger.totals().messages_in, 0U);
  EXPECT_EQ(ledger.totals().connections, 0U);
  EXPECT_TRUE(ledger.exits().empty());
}

TEST(Ledger, AddsUpWhatEachRowCounts) {
  Ledger ledger;
  const std::size_t one = ledger.open_row();
  const std::size_t other = ledger.open_row();
  ASSERT_NE(one, other);
  std::uint64_t number = 1;
  for (const std::size_t row : {one, other}) {
    worker::ScoreboardRow& line = ledger.scoreboard().row(row);
    line.connections.set(number);
    line.accepted.set(number * 10);
    line.messages_in.set(number * 100);
    line.messages_out.set(number * 1000);
    line.bytes_in.set(number * 10'000);
    line.bytes_out.set(number * 100'000);
    line.send_dropped.set(number * 1'000'000);
    line.protocol_errors.set(number * 10'000'000);
    line.published.set(number * 100'000'000);
    line.bus_dropped.set(number * 1'000'000'000);
    ++number;
  }
  EXPECT_EQ(ledger.counters(one).messages_in, 100U);
  EXPECT_EQ(ledger.counters(other).bytes_out, 200'000U);
  const Counters totals = ledger.totals();
  EXPECT_EQ(totals.connections, 3U);
  EXPECT_EQ(totals.accepted, 30U);
  EXPECT_EQ(totals.messages_in, 300U);
  EXPECT_EQ(totals.messages_out, 3000U);
  EXPECT_EQ(totals.bytes_in, 30'000U);
  EXPECT_EQ(totals.bytes_out, 300'000U);
  EXPECT_EQ(totals.send_dropped, 3'000'000U);
  EXPECT_EQ(totals.protocol_errors, 30'000'000U);
  EXPECT_EQ(totals.published, 300'000'000U);
  EXPECT_EQ(totals.bus_dropped, 3'000'000'000U);
}

TEST(Ledger, WhatAProcessCountedStaysWhenItIsGoneAndItsConnectionsDoNot) {
  Ledger ledger;
  const std::size_t row = ledger.open_row();
  worker::ScoreboardRow& line = ledger.scoreboard().row(row);
  line.connections.set(5);
  line.accepted.set(7);
  line.messages_in.set(11);
  line.messages_out.set(13);
  line.bytes_in.set(17);
  line.bytes_out.set(19);
  line.send_dropped.set(23);
  line.protocol_errors.set(29);
  line.published.set(31);
  line.bus_dropped.set(37);
  ledger.close_row(row);
  const Counters totals = ledger.totals();
  EXPECT_EQ(totals.connections, 0U);
  EXPECT_EQ(totals.accepted, 7U);
  EXPECT_EQ(totals.messages_in, 11U);
  EXPECT_EQ(totals.messages_out, 13U);
  EXPECT_EQ(totals.bytes_in, 17U);
  EXPECT_EQ(totals.bytes_out, 19U);
  EXPECT_EQ(totals.send_dropped, 23U);
  EXPECT_EQ(totals.protocol_errors, 29U);
  EXPECT_EQ(totals.published, 31U);
  EXPECT_EQ(totals.bus_dropped, 37U);
}

TEST(Ledger, ARowIsHandedOutAgainClean) {
  Ledger ledger;
  const std::size_t row = ledger.open_row();
  ledger.scoreboard().row(row).messages_in.set(7);
  ledger.scoreboard().row(row).heartbeat_ns.set(1);
  ledger.scoreboard().row(row).loop_lag_ms.set(3);
  EXPECT_EQ(ledger.loop_lag_ms(row), 3.0);
  ledger.close_row(row);
  ASSERT_EQ(ledger.open_row(), row);
  EXPECT_EQ(ledger.counters(row).messages_in, 0U);
  EXPECT_EQ(ledger.heartbeat(row), std::nullopt);
  EXPECT_EQ(ledger.loop_lag_ms(row), 0.0);
  EXPECT_EQ(ledger.totals().messages_in, 7U);
}

TEST(Ledger, TotalsNeverGoBackHoweverProcessesComeAndGo) {
  Ledger ledger;
  std::vector<std::size_t> rows;
  std::uint64_t expected = 0;
  for (std::uint64_t step = 1; step <= 2000; ++step) {
    if (step % 3 == 0 && !rows.empty()) {
      ledger.close_row(rows[step % rows.size()]);
      rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(step % rows.size()));
    } else {
      rows.push_back(ledger.open_row());
    }
    if (!rows.empty()) {
      ledger.scoreboard().row(rows[step * 7 % rows.size()]).messages_in.add(step);
      expected += step;
    }
    ASSERT_EQ(ledger.totals().messages_in, expected) << step;
  }
}

TEST(Ledger, HasAHeartbeatOnceOneWasStamped) {
  Ledger ledger;
  const std::size_t row = ledger.open_row();
  EXPECT_EQ(ledger.heartbeat(row), std::nullopt);
  ledger.scoreboard().row(row).heartbeat_ns.set(123'456'789);
  EXPECT_EQ(ledger.heartbeat(row), TimePoint(std::chrono::nanoseconds(123'456'789)));
}

TEST(Ledger, RefusesMoreProcessesThanThereAreRows) {
  Ledger ledger;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < worker::Scoreboard::capacity; ++i) rows.push_back(ledger.open_row());
  std::ranges::sort(rows);
  EXPECT_EQ(std::ranges::adjacent_find(rows), rows.end()) << "no row is two processes'";
  EXPECT_THROW((void)ledger.open_row(), std::runtime_error);
  ledger.close_row(5);
  EXPECT_EQ(ledger.open_row(), 5U);
}

TEST(Ledger, CountsHowProcessesEnded) {
  Ledger ledger;
  ledger.count_exit({.code = 250});
  ledger.count_exit({.signal = 9});
  ledger.count_exit({.code = 250});
  EXPECT_EQ(ledger.exits(), (std::vector<ExitCount>{{"exit 250", 2}, {"killed by SIGKILL", 1}}));
}

}  // namespace
}  // namespace wsd::master
