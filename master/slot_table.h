// The slots, the crew that fills them, and who serves whose sockets.
//
// Each slot has at most one *current* worker, which status shows and for which a neighbour accepts when it cannot. The
// others of the crew are on their way in (a successor that is not ready yet) or out.
//
// Owned by the supervisor, which decides when; a reload works on it too.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "master/accept_plan.h"
#include "master/crew.h"
#include "master/respawn_backoff.h"
#include "master/supervision.h"

namespace wsd::master {

struct SlotRecord {
  std::optional<WorkerKey> worker;      // the current one: starting, serving, or dying and not yet reaped
  Generation generation = 0;            // what its last worker that got ready ran; 0: none did yet
  RespawnBackoff backoff;               // how long it waits for the next one
  std::optional<TimePoint> respawn_at;  // it waits until then
  bool retiring = false;                // its number is beyond the count: it goes when its clients are taken care of
};

class SlotTable {
 public:
  explicit SlotTable(const SupervisorSettings& settings) : settings_(settings), crew_(settings) {}

  [[nodiscard]] Crew& crew() { return crew_; }
  [[nodiscard]] const Crew& crew() const { return crew_; }
  [[nodiscard]] auto begin() const { return slots_.begin(); }
  [[nodiscard]] auto end() const { return slots_.end(); }
  // Slots in service; those retiring do not count.
  [[nodiscard]] unsigned count() const;

  // A worker of before this master replaced its own binary, in its place.
  void adopt(const ResumedWorker& worker, WorkerKey last_key, TimePoint now);
  // Every slot has its worker, and that one serves.
  [[nodiscard]] bool is_complete() const;

  void open(unsigned count, Turn& turn);
  [[nodiscard]] bool is_open(Slot slot) const;
  // From now on the slots beyond `count` go, each when close_retired() finds it free.
  void retire_beyond(unsigned count, Turn& turn);
  void close_retired(Turn& turn);

  [[nodiscard]] WorkerRecord* current(Slot slot);
  [[nodiscard]] bool is_current(const WorkerRecord& worker) const;
  // The new worker is the slot's current one if there is none, else a successor.
  WorkerRecord& spawn(Slot slot, Generation generation, Turn& turn);
  // The slot's current worker serves: what it runs has proved itself.
  void settle_in(const WorkerRecord& worker);
  // `successor`, which has taken over, becomes the current worker; the old one goes, unless it relays.
  void promote(WorkerRecord& successor, Turn& turn);
  // Whether each of so many slots could be given a successor, and one that dies meanwhile another.
  [[nodiscard]] bool has_room_for_successors(unsigned count) const;
  // The slot's current worker is gone; `stand_in`, if any, takes its place.
  void vacate(Slot slot, std::optional<WorkerKey> stand_in = std::nullopt);

  // Brings the dead worker's slot a new one, after a delay that grows with every death; says so in one line.
  void respawn(const WorkerRecord& dead, const std::string& obituary, bool could_not_start, Turn& turn);
  void respawn_at_once(Slot slot, Turn& turn);
  void respawn_due(Turn& turn);
  void cancel_respawns();
  // During a reload that has proved its generation: respawned workers run it. Nothing: each slot's own again.
  void respawn_with(std::optional<Generation> generation) { respawn_generation_ = generation; }

  // Gives and takes sockets so that every slot is served by somebody who can.
  void share_sockets(Turn& turn);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

 private:
  void end_surplus_relays(Turn& turn);

  [[nodiscard]] std::vector<SlotToServe> slots_to_serve() const;
  [[nodiscard]] SlotToServe slot_to_serve(Slot slot, const SlotRecord& record) const;
  [[nodiscard]] std::optional<WorkerKey> helper_of(Slot slot) const;
  void give_sockets(const Helpers& helpers, Turn& turn);
  void take_sockets(const Helpers& helpers, Turn& turn);
  void refuse_when_all_are_full(bool somebody_accepts, Turn& turn);

  [[nodiscard]] bool can_close(Slot slot, const SlotRecord& record) const;
  [[nodiscard]] bool held_by_others(Slot slot, std::optional<WorkerKey> owner) const;

  SupervisorSettings settings_;
  Crew crew_;
  std::map<Slot, SlotRecord> slots_;
  std::optional<Generation> respawn_generation_;
};

}  // namespace wsd::master
