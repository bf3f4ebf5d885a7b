// The replacement of one slot's worker by one of another generation:
//
//   waiting ──► starting ──► handing_over ──► done
//      ▲            │             │  the successor died, refused, or took too long
//      └────────────┴─────────────┘
//
// The old worker stays the slot's current one until its successor has taken over its clients (worker/handoff.h), and
// goes then.
//
// Owned by the reload it is a part of.

#pragma once

#include <optional>

#include "master/respawn_backoff.h"
#include "master/slot_table.h"
#include "master/supervision.h"

namespace wsd::master {

class Replacement {
 public:
  enum class State {
    waiting,       // for begin(), or for retry_at_ after a successor failed
    starting,      // the successor was spawned and is not ready yet
    handing_over,  // the successor is ready, and the old worker was told to give it its clients
    done,          // the slot's current worker is of the new generation, and serves
  };

  Replacement(Slot slot, Generation generation) : slot_(slot), generation_(generation) {}

  // Spawns the successor; nothing to do if a respawn has brought one already.
  void begin(SlotTable& slots, Turn& turn);
  void successor_is_ready(SlotTable& slots, Turn& turn);
  void took_over(SlotTable& slots, Turn& turn);
  void send_successor_away(SlotTable& slots, Turn& turn);
  void successor_failed(const SupervisorSettings& settings, Turn& turn);
  // The slot's old worker died meanwhile: the successor takes its place unready. That is its respawn.
  void predecessor_died(SlotTable& slots, Turn& turn);
  void retry_when_due(SlotTable& slots, Turn& turn);

  [[nodiscard]] Slot slot() const { return slot_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_successor(WorkerKey key) const { return successor_ == key; }
  [[nodiscard]] unsigned failures() const { return failures_; }
  [[nodiscard]] std::optional<TimePoint> retry_at() const { return retry_at_; }

 private:
  Slot slot_;
  Generation generation_;
  State state_ = State::waiting;
  std::optional<WorkerKey> successor_;
  unsigned failures_ = 0;
  RespawnBackoff backoff_;
  std::optional<TimePoint> retry_at_;
};

}  // namespace wsd::master
