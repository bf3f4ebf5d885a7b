#include "master/ledger.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace wsd::master {

namespace {

using worker::FileDescriptor;
using worker::Scoreboard;
using worker::ScoreboardRow;

void add(Counters& sum, const Counters& counters) {
  sum.connections += counters.connections;
  sum.accepted += counters.accepted;
  sum.messages_in += counters.messages_in;
  sum.messages_out += counters.messages_out;
  sum.bytes_in += counters.bytes_in;
  sum.bytes_out += counters.bytes_out;
  sum.send_dropped += counters.send_dropped;
  sum.protocol_errors += counters.protocol_errors;
  sum.published += counters.published;
  sum.bus_dropped += counters.bus_dropped;
  sum.refused += counters.refused;
  sum.rate_limited += counters.rate_limited;
  sum.slow_closed += counters.slow_closed;
  sum.log_lost += counters.log_lost;
}

Counters counters_of(const ScoreboardRow& row) {
  return {.connections = row.connections.get(),
          .accepted = row.accepted.get(),
          .messages_in = row.messages_in.get(),
          .messages_out = row.messages_out.get(),
          .bytes_in = row.bytes_in.get(),
          .bytes_out = row.bytes_out.get(),
          .send_dropped = row.send_dropped.get(),
          .protocol_errors = row.protocol_errors.get(),
          .published = row.published.get(),
          .bus_dropped = row.bus_dropped.get(),
          .refused = row.refused.get(),
          .rate_limited = row.rate_limited.get(),
          .slow_closed = row.slow_closed.get(),
          .log_lost = row.log_lost.get()};
}

// Whether it is one of those that a process brings upon itself.
bool is_crash(int signal) {
  constexpr auto crashes = std::to_array({SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS});
  return std::ranges::find(crashes, signal) != crashes.end();
}

}  // namespace

Scoreboard Ledger::scoreboard_of(const MasterState& state) {
  const bool is_ours = Scoreboard::has_this_layout(state.scoreboard);
  return is_ours ? Scoreboard::map(FileDescriptor(state.scoreboard)) : Scoreboard::create();
}

Ledger::Ledger(const MasterState& state) : scoreboard_(scoreboard_of(state)), folded_(state.folded) {
  std::vector<Older> older;
  for (const int descriptor : state.older_scoreboards) {
    older.push_back(std::make_shared<OlderScoreboard>(FileDescriptor(descriptor)));
  }
  Older before;
  if (scoreboard_.descriptor() != state.scoreboard) {
    before = std::make_shared<OlderScoreboard>(FileDescriptor(state.scoreboard));
    begin_anew(state, *before);
  }
  for (const MasterState::Worker& worker : state.workers) {
    used_.at(worker.row) = true;
    const Older board = worker.board == 0 ? before : older.at(worker.board - 1);
    if (board != nullptr) elsewhere_.emplace(worker.row, board);
  }
  for (const ExitCount& exit : state.exits) exits_[exit.status] = exit.count;
}

void Ledger::begin_anew(const MasterState& state, const OlderScoreboard& before) {
  scoreboard_.master() = before.master();
  for (std::size_t slot = 0; slot < before.folded_capacity(); ++slot) {
    scoreboard_.fold(static_cast<Slot>(slot), before.folded(static_cast<Slot>(slot)));
  }
  for (const MasterState::Worker& worker : state.workers) {
    scoreboard_.open_row(worker.row, worker.slot, worker.generation);
    set_pid(worker.row, worker.pid);
  }
}

void Ledger::save(MasterState& state) const {
  state.scoreboard = scoreboard_.descriptor();
  state.scoreboard_version = Scoreboard::version;
  state.folded = folded_;
  state.exits = exits();
  for (MasterState::Worker& worker : state.workers) {
    const auto elsewhere = elsewhere_.find(worker.row);
    if (elsewhere == elsewhere_.end()) continue;
    const int descriptor = elsewhere->second->descriptor();
    auto& boards = state.older_scoreboards;
    if (std::ranges::find(boards, descriptor) == boards.end()) boards.push_back(descriptor);
    worker.board = static_cast<unsigned>(std::ranges::find(boards, descriptor) - boards.begin()) + 1;
  }
}

std::size_t Ledger::open_row(Slot slot, Generation generation) {
  const auto free = std::ranges::find(used_, false);
  if (free == used_.end()) throw std::runtime_error("more processes than rows on the scoreboard");
  *free = true;
  const auto row = static_cast<std::size_t>(free - used_.begin());
  scoreboard_.open_row(row, slot, generation);
  return row;
}

void Ledger::close_row(std::size_t row) {
  catch_up();
  scoreboard_.close_row(row);
  elsewhere_.erase(row);
  used_[row] = false;
}

void Ledger::count_exit(ExitStatus status, HeldHistory lost) {
  ++exits_[to_string(status)];
  worker::MasterCounters& counters = scoreboard_.master();
  const bool crashed = is_crash(status.signal);
  (status.signal == 0 ? counters.exits_failed : crashed ? counters.exits_crashed : counters.exits_killed).add(1);
  counters.history_lost.add(lost.messages);
}

void Ledger::count_reload(bool done) {
  worker::MasterCounters& counters = scoreboard_.master();
  (done ? counters.reloads : counters.reloads_failed).add(1);
}

void Ledger::note_server(pid_t pid, std::chrono::system_clock::time_point started_at, Generation generation,
                         unsigned slots) {
  const auto since_epoch = std::chrono::floor<std::chrono::seconds>(started_at).time_since_epoch();
  worker::MasterCounters& counters = scoreboard_.master();
  counters.pid.set(static_cast<std::uint64_t>(pid));
  counters.started_at_s.set(static_cast<std::uint64_t>(since_epoch.count()));
  counters.generation.set(generation);
  counters.slots.set(slots);
}

void Ledger::note_lost_lines(std::uint64_t lines) {
  scoreboard_.master().log_lost.add(lines - std::exchange(lost_lines_, lines));
}

void Ledger::catch_up() {
  for (const auto& [row, board] : elsewhere_) scoreboard_.row(row) = board->row(row);
}

std::optional<TimePoint> Ledger::heartbeat(std::size_t row) const {
  const std::uint64_t stamp = scoreboard_.row(row).heartbeat_ns.get();
  if (stamp == 0) return std::nullopt;
  return TimePoint(std::chrono::nanoseconds(stamp));  // both are CLOCK_MONOTONIC
}

Counters Ledger::counters(std::size_t row) const {
  return counters_of(scoreboard_.row(row));
}

double Ledger::loop_lag_ms(std::size_t row) const {
  return static_cast<double>(scoreboard_.row(row).loop_lag_ms.get());
}

HeldHistory Ledger::history(std::size_t row) const {
  const ScoreboardRow& line = scoreboard_.row(row);
  return {.messages = line.history_messages.get(), .channels = line.history_channels.get()};
}

Counters Ledger::totals() const {
  Counters sum = folded_;
  for (Slot slot = 0; slot < Scoreboard::slot_capacity; ++slot) {
    if (const ScoreboardRow* const gone = scoreboard_.folded(slot)) add(sum, counters_of(*gone));
  }
  for (std::size_t row = 0; row < used_.size(); ++row) {
    if (used_[row]) add(sum, counters(row));
  }
  sum.log_lost += scoreboard_.master().log_lost.get();
  return sum;
}

std::vector<ExitCount> Ledger::exits() const {
  std::vector<ExitCount> counts;
  for (const auto& [status, count] : exits_) counts.push_back({status, count});
  return counts;
}

}  // namespace wsd::master
