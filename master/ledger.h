// The books of a server: which scoreboard row is whose, what processes that are gone had counted, and how they ended.
//
// Owned by the master. A row's counters are folded into the totals before the row is handed out again, so totals never
// go back.

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "master/master_state.h"
#include "master/status_page.h"
#include "master/supervision.h"
#include "worker/scoreboard.h"

namespace wsd::master {

class Ledger {
 public:
  Ledger() : scoreboard_(worker::Scoreboard::create()) {}
  // The books that this process kept before it replaced its own binary.
  explicit Ledger(const MasterState& state);
  // Adds what is kept here to the state; the rows are the workers'.
  void save(MasterState& state) const;

  // A clean row. Throws std::runtime_error if there are more processes than rows.
  [[nodiscard]] std::size_t open_row();
  // Its process was reaped.
  void close_row(std::size_t row);
  void count_exit(ExitStatus status) { ++exits_[to_string(status)]; }

  // When the row's process last showed life; nothing before its first heartbeat.
  [[nodiscard]] std::optional<TimePoint> heartbeat(std::size_t row) const;
  [[nodiscard]] Counters counters(std::size_t row) const;
  [[nodiscard]] double loop_lag_ms(std::size_t row) const;
  // Connections of others whose TLS the row's process keeps.
  [[nodiscard]] std::uint64_t relayed(std::size_t row) const { return scoreboard_.row(row).relayed.get(); }
  [[nodiscard]] Counters totals() const;
  [[nodiscard]] std::vector<ExitCount> exits() const;

  [[nodiscard]] worker::Scoreboard& scoreboard() { return scoreboard_; }

 private:
  worker::Scoreboard scoreboard_;
  std::vector<bool> used_ = std::vector<bool>(worker::Scoreboard::capacity);
  Counters folded_;  // of processes that are gone
  std::map<std::string, std::uint64_t> exits_;
};

}  // namespace wsd::master
