// The books of a server: which scoreboard row is whose, what processes that are gone had counted, and how they ended.
//
// Owned by the master. A row's counters are folded into its slot's totals before the row is handed out again, so totals
// never go back.
//
// After an upgrade, workers of before may write on a scoreboard whose layout was another. Their rows stay theirs, under
// the same numbers: catch_up() copies what they wrote there to this scoreboard, where everybody looks.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "master/master_state.h"
#include "master/older_scoreboard.h"
#include "master/status_page.h"
#include "master/supervision.h"
#include "worker/scoreboard.h"

namespace wsd::master {

class Ledger {
 public:
  Ledger() : scoreboard_(worker::Scoreboard::create()) {}
  // The books that this process kept before it replaced its own binary; a scoreboard of this layout stays untouched, so
  // that a new binary can try. Throws std::runtime_error if this version cannot read them.
  explicit Ledger(const MasterState& state);
  // Adds what is kept here to the state, once its workers are in it.
  void save(MasterState& state) const;

  // A clean row. Throws std::runtime_error if there are more processes than rows.
  [[nodiscard]] std::size_t open_row(Slot slot, Generation generation);
  void set_pid(std::size_t row, pid_t pid) { scoreboard_.set_pid(row, static_cast<std::uint64_t>(pid)); }
  // Its process was reaped.
  void close_row(std::size_t row);
  void count_exit(ExitStatus status, HeldHistory lost = {});
  void count_reload(bool done);
  // For those who read the scoreboard.
  void note_server(pid_t pid, std::chrono::system_clock::time_point started_at, Generation generation, unsigned slots);

  // Lines of the log that this process could not write so far.
  void note_lost_lines(std::uint64_t lines);

  // Copies what is written elsewhere. Before anything is looked at.
  void catch_up();

  // When the row's process last showed life; nothing before its first heartbeat.
  [[nodiscard]] std::optional<TimePoint> heartbeat(std::size_t row) const;
  [[nodiscard]] Counters counters(std::size_t row) const;
  [[nodiscard]] double loop_lag_ms(std::size_t row) const;
  // Connections of others whose TLS the row's process keeps.
  [[nodiscard]] std::uint64_t relayed(std::size_t row) const { return scoreboard_.row(row).relayed.get(); }
  // What it keeps as the home of channels.
  [[nodiscard]] HeldHistory history(std::size_t row) const;
  [[nodiscard]] Counters totals() const;
  // Messages of history that went with processes.
  [[nodiscard]] std::uint64_t history_lost() const { return scoreboard_.master().history_lost.get(); }
  [[nodiscard]] std::vector<ExitCount> exits() const;

  [[nodiscard]] worker::Scoreboard& scoreboard() { return scoreboard_; }

 private:
  using Older = std::shared_ptr<const OlderScoreboard>;

  [[nodiscard]] static worker::Scoreboard scoreboard_of(const MasterState& state);
  void begin_anew(const MasterState& state, const OlderScoreboard& before);

  worker::Scoreboard scoreboard_;
  std::map<std::size_t, Older> elsewhere_;  // rows that are written on an older one, which goes with the last of them
  std::vector<bool> used_ = std::vector<bool>(worker::Scoreboard::capacity);
  Counters folded_;  // of processes that were gone when no scoreboard had totals yet: version 1
  std::map<std::string, std::uint64_t> exits_;
  std::uint64_t lost_lines_ = 0;  // that are counted already
};

}  // namespace wsd::master
