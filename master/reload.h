// A new generation on its way through the slots, one after the other: replace each slot's worker, add the slots that
// are new, and let those go that are too many.
//
// Until the first slot's worker is ready nothing of the new generation is trusted: its failure ends the reload, and
// nothing has happened. Later failures are tried again a few times; then each slot stays with what it has.
//
// Owned by the supervisor, which reports its outcome: once for each request that it answers.

#pragma once

#include <optional>
#include <string>

#include "master/replacement.h"
#include "master/slot_table.h"
#include "master/supervision.h"

namespace wsd::master {

// What was asked for. A newer request supersedes one that still waits, and answers for it.
struct ReloadOrder {
  Generation generation = 0;
  unsigned count = 0;
  unsigned requests = 1;
};

class Reload {
 public:
  enum class State { going_on, done, failed };

  Reload(const ReloadOrder& order, unsigned count_before, const SupervisorSettings& settings)
      : order_(order), count_before_(count_before), settings_(settings) {}

  // As far as it goes without waiting for anybody.
  void advance(SlotTable& slots, Turn& turn);

  [[nodiscard]] bool is_successor(WorkerKey key) const;
  [[nodiscard]] bool is_replacing(Slot slot) const;
  void successor_is_ready(SlotTable& slots, Turn& turn) { replacement_->successor_is_ready(slots, turn); }
  [[nodiscard]] bool is_handing_over(Slot slot) const;
  void took_over(SlotTable& slots, Turn& turn) { replacement_->took_over(slots, turn); }
  void handoff_failed(const std::string& reason, SlotTable& slots, Turn& turn);
  void successor_failed(const std::string& reason, SlotTable& slots, Turn& turn);
  void predecessor_died(SlotTable& slots, Turn& turn) { replacement_->predecessor_died(slots, turn); }

  [[nodiscard]] const ReloadOrder& order() const { return order_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

 private:
  [[nodiscard]] bool proved() const { return replaced_ > 0; }
  [[nodiscard]] bool is_waiting() const;
  void conclude_slot(SlotTable& slots);
  void begin_next_slot(SlotTable& slots, Turn& turn);
  void finish(SlotTable& slots, Turn& turn);
  void give_up(const std::string& reason, SlotTable& slots, Turn& turn);

  ReloadOrder order_;
  unsigned count_before_;
  SupervisorSettings settings_;
  State state_ = State::going_on;
  unsigned replaced_ = 0;  // slots [0, replaced_) run the new generation
  std::optional<Replacement> replacement_;
  std::string failure_;
};

}  // namespace wsd::master
