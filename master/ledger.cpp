#include "master/ledger.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace wsd::master {

namespace {

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
}

}  // namespace

Ledger::Ledger(const MasterState& state)
    : scoreboard_(worker::Scoreboard::map(worker::FileDescriptor(state.scoreboard))), folded_(state.folded) {
  for (const MasterState::Worker& worker : state.workers) used_.at(worker.row) = true;
  for (const ExitCount& exit : state.exits) exits_[exit.status] = exit.count;
}

void Ledger::save(MasterState& state) const {
  state.scoreboard = scoreboard_.descriptor();
  state.scoreboard_version = worker::Scoreboard::version;
  state.folded = folded_;
  state.exits = exits();
}

std::size_t Ledger::open_row() {
  const auto free = std::ranges::find(used_, false);
  if (free == used_.end()) throw std::runtime_error("more processes than rows on the scoreboard");
  *free = true;
  const auto row = static_cast<std::size_t>(free - used_.begin());
  new (&scoreboard_.row(row)) worker::ScoreboardRow;
  return row;
}

void Ledger::close_row(std::size_t row) {
  Counters last = counters(row);
  last.connections = 0;  // they went with their process
  add(folded_, last);
  used_[row] = false;
}

std::optional<TimePoint> Ledger::heartbeat(std::size_t row) const {
  const std::uint64_t stamp = scoreboard_.row(row).heartbeat_ns.get();
  if (stamp == 0) return std::nullopt;
  return TimePoint(std::chrono::nanoseconds(stamp));  // both are CLOCK_MONOTONIC
}

Counters Ledger::counters(std::size_t row) const {
  const worker::ScoreboardRow& line = scoreboard_.row(row);
  return {.connections = line.connections.get(),
          .accepted = line.accepted.get(),
          .messages_in = line.messages_in.get(),
          .messages_out = line.messages_out.get(),
          .bytes_in = line.bytes_in.get(),
          .bytes_out = line.bytes_out.get(),
          .send_dropped = line.send_dropped.get(),
          .protocol_errors = line.protocol_errors.get(),
          .published = line.published.get(),
          .bus_dropped = line.bus_dropped.get()};
}

double Ledger::loop_lag_ms(std::size_t row) const {
  return static_cast<double>(scoreboard_.row(row).loop_lag_ms.get());
}

Counters Ledger::totals() const {
  Counters sum = folded_;
  for (std::size_t row = 0; row < used_.size(); ++row) {
    if (used_[row]) add(sum, counters(row));
  }
  return sum;
}

std::vector<ExitCount> Ledger::exits() const {
  std::vector<ExitCount> counts;
  for (const auto& [status, count] : exits_) counts.push_back({status, count});
  return counts;
}

}  // namespace wsd::master
