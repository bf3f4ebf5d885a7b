// The living workers and the orders they are given. It knows how a worker is spawned, watched, sent off and, step by
// step, made to go; it does not know why, nor which worker is a slot's current one (slot_table.h).
//
// Owned by the supervisor. References to records hold until that worker is buried.

#pragma once

#include <map>
#include <optional>

#include "master/supervision.h"
#include "master/worker_record.h"

namespace wsd::master {

class Crew {
 public:
  explicit Crew(const SupervisorSettings& settings) : settings_(settings) {}

  WorkerRecord& spawn(Slot slot, Generation generation, bool successor, Turn& turn);
  // One of before. Keys go on behind `last_key`.
  void adopt(const ResumedWorker& worker, WorkerKey last_key, TimePoint now);
  [[nodiscard]] WorkerKey last_key() const { return last_key_; }
  // Null for one that is reaped already: events and orders cross on their way.
  [[nodiscard]] WorkerRecord* find(WorkerKey key);
  [[nodiscard]] const WorkerRecord* find(WorkerKey key) const;
  // Takes it off the list: it was reaped, or never forked.
  [[nodiscard]] std::optional<WorkerRecord> bury(WorkerKey key);

  // Orders. Each is silently dropped for a worker that is further on its way out already.
  void serve(WorkerRecord& worker, Slot slot, Turn& turn);
  void release(WorkerRecord& worker, Slot slot, Turn& turn);
  void send_off(WorkerRecord& worker, DrainReason reason, Turn& turn);  // Drain; Leave if it has no clients yet
  void leave(WorkerRecord& worker, Turn& turn);
  // It goes by itself, in its time.
  void let_relay(WorkerRecord& worker, TimePoint now);
  void end_relay(WorkerRecord& relay, Turn& turn);
  void hand_over(WorkerRecord& from, const WorkerRecord& to, Turn& turn);
  void kill(WorkerRecord& worker, Turn& turn);

  // What a worker told.
  void became_ready(WorkerRecord& worker, TimePoint now);
  void beat(WorkerRecord& worker, TimePoint stamp, Turn& turn);

  // What time brings. Called at every look.
  void watch_heartbeats(Turn& turn);
  void end_slow_starts(Turn& turn);
  void press_the_departing(Turn& turn);
  // The master slept: all stamps start anew.
  void forgive_lateness(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  // From the next order on.
  void change_timeouts(Duration stop_timeout, Duration drain_timeout, Duration watchdog);

  [[nodiscard]] bool empty() const { return workers_.empty(); }
  [[nodiscard]] std::size_t size() const { return workers_.size(); }
  [[nodiscard]] auto begin() { return workers_.begin(); }
  [[nodiscard]] auto end() { return workers_.end(); }
  [[nodiscard]] auto begin() const { return workers_.begin(); }
  [[nodiscard]] auto end() const { return workers_.end(); }

 private:
  [[nodiscard]] bool depart(WorkerRecord& worker, Departure::Step step, TimePoint now);
  void judge_silence(WorkerRecord& worker, Turn& turn);
  void abort(WorkerRecord& worker, Turn& turn);
  void press(WorkerRecord& worker, Turn& turn);
  [[nodiscard]] std::optional<TimePoint> deadline_of(const WorkerRecord& worker) const;

  SupervisorSettings settings_;
  std::map<WorkerKey, WorkerRecord> workers_;
  WorkerKey last_key_ = 0;
};

}  // namespace wsd::master
