#include "master/ledger.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/unit/master/scoreboard_of_version_1.h"

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
  const std::size_t one = ledger.open_row(0, 1);
  const std::size_t other = ledger.open_row(0, 1);
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

TEST(Ledger, KeepsWhatWasRefusedAndLostByProcessesThatAreGone) {
  Ledger ledger;
  const std::size_t row = ledger.open_row(0, 1);
  worker::ScoreboardRow& line = ledger.scoreboard().row(row);
  line.refused.set(1);
  line.rate_limited.set(2);
  line.slow_closed.set(3);
  line.log_lost.set(4);
  ledger.note_lost_lines(10);
  ledger.note_lost_lines(12);
  ledger.close_row(row);
  const Counters totals = ledger.totals();
  EXPECT_EQ(totals.refused, 1U);
  EXPECT_EQ(totals.rate_limited, 2U);
  EXPECT_EQ(totals.slow_closed, 3U);
  EXPECT_EQ(totals.log_lost, 16U) << "with the master's own";
}

TEST(Ledger, WhatAProcessCountedStaysWhenItIsGoneAndItsConnectionsDoNot) {
  Ledger ledger;
  const std::size_t row = ledger.open_row(0, 1);
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
  const std::size_t row = ledger.open_row(0, 1);
  ledger.scoreboard().row(row).messages_in.set(7);
  ledger.scoreboard().row(row).heartbeat_ns.set(1);
  ledger.scoreboard().row(row).loop_lag_ms.set(3);
  EXPECT_EQ(ledger.loop_lag_ms(row), 3.0);
  ledger.close_row(row);
  ASSERT_EQ(ledger.open_row(0, 1), row);
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
      rows.push_back(ledger.open_row(0, 1));
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
  const std::size_t row = ledger.open_row(0, 1);
  EXPECT_EQ(ledger.heartbeat(row), std::nullopt);
  ledger.scoreboard().row(row).heartbeat_ns.set(123'456'789);
  EXPECT_EQ(ledger.heartbeat(row), TimePoint(std::chrono::nanoseconds(123'456'789)));
}

TEST(Ledger, RefusesMoreProcessesThanThereAreRows) {
  Ledger ledger;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < worker::Scoreboard::capacity; ++i) rows.push_back(ledger.open_row(0, 1));
  std::ranges::sort(rows);
  EXPECT_EQ(std::ranges::adjacent_find(rows), rows.end()) << "no row is two processes'";
  EXPECT_THROW((void)ledger.open_row(0, 1), std::runtime_error);
  ledger.close_row(5);
  EXPECT_EQ(ledger.open_row(0, 1), 5U);
}

TEST(Ledger, CountsTheHistoryThatWentWithUnplannedEndsAlone) {
  Ledger ledger;
  const std::size_t row = ledger.open_row(0, 1);
  ledger.scoreboard().row(row).history_messages.set(120);
  ledger.scoreboard().row(row).history_channels.set(3);
  const HeldHistory history = ledger.history(row);
  EXPECT_EQ(history, (HeldHistory{.messages = 120, .channels = 3}));
  ledger.close_row(row);
  EXPECT_EQ(ledger.history_lost(), 0U) << "its end may have been planned";
  ledger.count_exit({.signal = SIGKILL}, history);
  ledger.count_exit({.code = 1}, {.messages = 1, .channels = 1});
  EXPECT_EQ(ledger.history_lost(), 121U);
  EXPECT_EQ(ledger.scoreboard().read().master.history_lost.get(), 121U);
  EXPECT_EQ(ledger.history(ledger.open_row(0, 1)), HeldHistory()) << "the next process has its row clean";
}

TEST(Ledger, TellsEveryoneHowProcessesEndedAndReloadsWent) {
  Ledger ledger;
  ledger.count_exit({.code = 1});
  ledger.count_exit({.signal = SIGKILL});
  ledger.count_exit({.signal = SIGKILL});
  ledger.count_exit({.signal = SIGSEGV});
  ledger.count_reload(true);
  ledger.count_reload(false);
  const worker::MasterCounters counters = ledger.scoreboard().read().master;
  EXPECT_EQ(counters.exits_failed.get(), 1U);
  EXPECT_EQ(counters.exits_killed.get(), 2U);
  EXPECT_EQ(counters.exits_crashed.get(), 1U);
  EXPECT_EQ(counters.reloads.get(), 1U);
  EXPECT_EQ(counters.reloads_failed.get(), 1U);
}

// ---- after an upgrade -----------------------------------------------------------------------------------------------

MasterState::Worker worker_on(std::size_t row, Slot slot, pid_t pid = 1) {
  MasterState::Worker worker;
  worker.row = row;
  worker.slot = slot;
  worker.pid = pid;
  return worker;
}

MasterState state_with(std::vector<MasterState::Worker> workers) {
  MasterState state;
  state.workers = std::move(workers);
  return state;
}

// What a binary gets that has the same memory under numbers of its own, as after exec.
MasterState reborn(const Ledger& ledger, std::vector<MasterState::Worker> workers) {
  MasterState state = state_with(std::move(workers));
  ledger.save(state);
  state.scoreboard = ::dup(state.scoreboard);
  for (int& older : state.older_scoreboards) older = ::dup(older);
  return state;
}

MasterState state_of_version_1(const ScoreboardOfVersion1& memory, std::vector<MasterState::Worker> workers) {
  MasterState state = state_with(std::move(workers));
  state.scoreboard = memory.descriptor().release();
  state.scoreboard_version = 1;
  return state;
}

TEST(Ledger, GoesOnAfterAnUpgradeAsIfNothingHadHappened) {
  Ledger before;
  (void)before.open_row(0, 1);
  before.scoreboard().row(0).messages_in.set(5);
  before.close_row(0);
  ASSERT_EQ(before.open_row(1, 1), 0U);
  before.scoreboard().row(0).messages_in.set(7);
  before.count_exit({.code = 1});
  Ledger after(reborn(before, {worker_on(0, 1)}));
  EXPECT_EQ(after.totals().messages_in, 12U);
  EXPECT_EQ(after.exits(), (std::vector<ExitCount>{{"exit 1", 1}}));
  before.scoreboard().row(0).messages_in.add(1);  // its worker writes on
  EXPECT_EQ(after.counters(0).messages_in, 8U);
  EXPECT_EQ(after.open_row(2, 2), 1U) << "a living worker's row is nobody else's";
  after.close_row(0);
  EXPECT_EQ(after.totals().messages_in, 13U);
}

TEST(Ledger, ReadsWhatWorkersOfVersion1StillWrite) {
  ScoreboardOfVersion1 memory;
  memory.set(4, ScoreboardOfVersion1::messages_in, 100);
  memory.set(4, ScoreboardOfVersion1::connections, 3);
  MasterState state = state_of_version_1(memory, {worker_on(4, 1, 77)});
  state.folded.messages_in = 1000;  // of processes that were gone
  Ledger ledger(state);
  ledger.catch_up();
  EXPECT_EQ(ledger.counters(4).messages_in, 100U);
  EXPECT_EQ(ledger.totals().messages_in, 1100U);
  EXPECT_EQ(ledger.totals().connections, 3U);
  EXPECT_EQ(ledger.heartbeat(4), std::nullopt);
  memory.set(4, ScoreboardOfVersion1::heartbeat_ns, 55);
  memory.set(4, ScoreboardOfVersion1::messages_in, 101);
  ledger.catch_up();
  EXPECT_EQ(ledger.heartbeat(4), TimePoint(std::chrono::nanoseconds(55)));
  const auto reading = ledger.scoreboard().read();
  EXPECT_EQ(reading.slots.at(1).messages_in.get(), 101U) << "new workers see what the old ones count";
  ASSERT_EQ(reading.processes.size(), 1U);
  EXPECT_EQ(reading.processes[0].pid, 77U);
}

TEST(Ledger, FoldsTheLastWordOfAWorkerOfVersion1) {
  ScoreboardOfVersion1 memory;
  Ledger ledger(state_of_version_1(memory, {worker_on(0, 1)}));
  memory.set(0, ScoreboardOfVersion1::messages_in, 100);
  ledger.close_row(0);
  memory.set(0, ScoreboardOfVersion1::messages_in, 500);
  ledger.catch_up();
  EXPECT_EQ(ledger.totals().messages_in, 100U);
  ASSERT_EQ(ledger.open_row(0, 3), 0U);
  ledger.catch_up();
  EXPECT_EQ(ledger.counters(0).messages_in, 0U) << "the row is a new worker's now";
}

// A relay may outlive several upgrades.
TEST(Ledger, ReadsWhatAWorkerOfVersion1WritesAfterAnotherUpgradeToo) {
  ScoreboardOfVersion1 memory;
  const MasterState::Worker old = worker_on(0, 1);
  Ledger first(state_of_version_1(memory, {old}));
  ASSERT_EQ(first.open_row(1, 3), 1U);
  first.scoreboard().row(1).messages_in.set(7);
  MasterState state = reborn(first, {old, worker_on(1, 1)});
  EXPECT_EQ(state.workers[0].board, 1U);
  EXPECT_EQ(state.workers[1].board, 0U);
  Ledger second(state);
  memory.set(0, ScoreboardOfVersion1::messages_in, 100);
  second.catch_up();
  EXPECT_EQ(second.totals().messages_in, 107U);
  MasterState later = reborn(second, {old});
  second.close_row(0);
  EXPECT_EQ(later.older_scoreboards.size(), 1U);
  later = reborn(second, {});
  EXPECT_TRUE(later.older_scoreboards.empty()) << "it goes with the last that wrote on it";
}

TEST(Ledger, TakesTheTotalsOfASecondVersionWithOtherRowsAlong) {
  Ledger before;
  ASSERT_EQ(before.open_row(3, 1), 0U);
  before.scoreboard().row(0).messages_in.set(5);
  before.close_row(0);
  before.count_reload(true);
  MasterState state = reborn(before, {});
  const std::uint32_t fewer_rows = worker::Scoreboard::capacity - 1;
  ASSERT_EQ(::pwrite(state.scoreboard, &fewer_rows, sizeof(fewer_rows), 8), 4);
  Ledger after(state);
  EXPECT_EQ(after.totals().messages_in, 5U);
  EXPECT_EQ(after.scoreboard().read().slots.at(3).messages_in.get(), 5U);
  EXPECT_EQ(after.scoreboard().read().master.reloads.get(), 1U);
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
