// What the master decides: a pure function (Event, now) -> Actions. It forks nothing, reads no clock and logs nothing
// itself, so that random traces of it run by the thousand (tests/unit/master/supervisor_simulation_test.cpp).
//
// What it promises, whatever the events:
//   - Each slot has at most one current worker of the current generation, and one that is ready as long as any can be.
//   - Every slot's sockets are served by somebody while any healthy worker lives: its own worker, or a neighbour while
//     that one is starting, backing off, late with its heartbeat, full or gone.
//   - A worker is killed only after a deadline that it was told of has passed.
//   - Respawns: the first at once, then after 100 ms doubling to 10 s; a worker that served `stable_after` starts anew.
//   - Every start is reported once, as started or failed, and every request for a reload once, as done or failed.
//   - After a stop nothing is spawned, and every stop ends.
//
// The words it is spoken to in are in supervision.h. Behind it, from the outside in: the reload (reload.h,
// replacement.h), the slots and their sockets (slot_table.h, accept_plan.h), the crew (crew.h) and one worker's way out
// (departure.h).

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "master/awake_clock.h"
#include "master/reload.h"
#include "master/slot_table.h"
#include "master/supervision.h"

namespace wsd::master {

class Supervisor {
 public:
  struct WorkerView {
    WorkerKey key;
    Slot slot;
    Generation generation;
    WorkerState state;
    bool current;       // the slot's worker, not one on its way in or out
    bool handing_over;  // it was ordered to give its clients to a successor
  };

  explicit Supervisor(const SupervisorSettings& settings) : settings_(settings), slots_(settings) {}

  // One that goes on where the supervisor of the binary before stopped: it was is_calm() then.
  Supervisor(const SupervisorSettings& settings, const std::vector<ResumedWorker>& workers, WorkerKey last_key,
             Generation last_generation, TimePoint now);
  // Every slot has its worker, no reload is under way, nobody wants to stop: all there is to know is in resumable().
  [[nodiscard]] bool is_calm() const;
  [[nodiscard]] std::vector<ResumedWorker> resumable() const;
  [[nodiscard]] WorkerKey last_key() const { return slots_.crew().last_key(); }

  // The only way in. Takes one event, changes the plan, returns what to do about it now: all of it, in
  // that order, before the next event is told (a Spawn that fails, too, waits for its turn). `now` never goes back.
  [[nodiscard]] std::vector<Action> handle(const Event& event, TimePoint now);
  // When the next Tick is due at the latest; nothing if only events can change anything. Heartbeats are fed before it.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  // What a reload may change besides the count; holds from the next order to leave or drain on, the watchdog's at once.
  void change_timeouts(Duration stop_timeout, Duration drain_timeout, Duration watchdog) {
    slots_.crew().change_timeouts(stop_timeout, drain_timeout, watchdog);
  }

  [[nodiscard]] std::vector<WorkerView> workers() const;  // current ones by slot, then those on their way in or out
  [[nodiscard]] Generation generation() const;            // the newest that serves
  [[nodiscard]] Generation oldest_generation() const;     // that a worker runs or may be respawned with
  [[nodiscard]] unsigned count() const;                   // of slots in service
  [[nodiscard]] bool stopping() const { return phase_ == Phase::stopping || phase_ == Phase::stopped; }

 private:
  enum class Phase {
    idle,      // nothing was asked yet
    starting,  // the first workers are on their way; one that fails fails the start
    running,   // the start was reported; from here on, whoever dies is replaced
    stopping,  // nothing is spawned any more; it ends when all are reaped, or cannot be
    stopped,   // the end was reported
  };

  void on(const Started&, Turn& turn);
  void on(const SpawnFailed& event, Turn& turn);
  void on(const Ready& event, Turn& turn);
  void on(const Exited& event, Turn& turn);
  void on(const Released& event, Turn& turn);
  void on(const TookOver& event, Turn& turn);
  void on(const HandoffFailed& event, Turn& turn);
  void on(const Relays& event, Turn& turn);
  void on(const Full& event, Turn& turn);
  void on(const HasRoom& event, Turn& turn);
  void on(const Heartbeat& event, Turn& turn);
  void on(const Tick&, Turn& turn);
  void on(const StopRequested& event, Turn& turn);
  void on(const StopNowRequested&, Turn& turn);
  void on(const ReloadRequested& event, Turn& turn);

  Turn begin_turn(TimePoint now);
  void settle(Turn& turn);  // what follows from any event

  struct Death {
    WorkerRecord worker;
    std::string obituary;  // a sentence for the log
    std::string reason;    // the same, for who waits for a start or a reload
    bool could_not_start;
    bool unplanned;
  };
  void mourn(const Death& death, Turn& turn);

  void report_started_when_all_are_ready(Turn& turn);
  void give_up_slow_starts(Turn& turn);
  void fail_start(const std::string& reason, Turn& turn);

  void roll_out(Turn& turn);
  void begin_queued_reload();
  void report_reload(Turn& turn);
  void fail_reloads(const std::string& reason, Turn& turn);

  void begin_stop(Turn& turn);
  void report_stopped_when_all_are_gone(Turn& turn);

  [[nodiscard]] std::optional<TimePoint> next_awake_deadline() const;

  SupervisorSettings settings_;
  Phase phase_ = Phase::idle;
  AwakeClock clock_;
  TimePoint last_look_;
  std::optional<TimePoint> due_;  // what next_deadline() said last, in awake time

  SlotTable slots_;
  Generation last_generation_ = 1;  // the newest that was asked for
  std::optional<Reload> reload_;
  std::optional<ReloadOrder> queued_reload_;
};

}  // namespace wsd::master
