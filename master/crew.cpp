#include "master/crew.h"

#include <algorithm>

#include "master/earliest.h"
#include "master/obituary.h"

namespace wsd::master {

WorkerRecord& Crew::spawn(Slot slot, Generation generation, bool successor, Turn& turn) {
  const WorkerKey key = ++last_key_;
  WorkerRecord& worker = workers_[key];
  worker.key = key;
  worker.slot = slot;
  worker.generation = generation;
  worker.spawned_at = turn.now;
  worker.copies.give(slot);  // from the fork on
  worker.successor = successor;
  turn.act(Spawn{key, slot, generation, successor});
  return worker;
}

void Crew::adopt(const ResumedWorker& resumed, WorkerKey last_key, TimePoint now) {
  WorkerRecord& worker = workers_[resumed.key];
  worker.key = resumed.key;
  worker.slot = resumed.slot;
  worker.generation = resumed.generation;
  worker.spawned_at = now;
  became_ready(worker, now);
  for (const Slot slot : resumed.serves) worker.copies.give(slot);
  if (resumed.relaying) {
    let_relay(worker, now);
  } else if (!resumed.current) {
    (void)depart(worker, Departure::Step::draining, now);
  }
  last_key_ = last_key;
}

WorkerRecord* Crew::find(WorkerKey key) {
  const auto worker = workers_.find(key);
  return worker == workers_.end() ? nullptr : &worker->second;
}

const WorkerRecord* Crew::find(WorkerKey key) const {
  const auto worker = workers_.find(key);
  return worker == workers_.end() ? nullptr : &worker->second;
}

std::optional<WorkerRecord> Crew::bury(WorkerKey key) {
  auto node = workers_.extract(key);
  return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
}

void Crew::serve(WorkerRecord& worker, Slot slot, Turn& turn) {
  if (!worker.staying() || worker.copies.serves(slot)) return;
  worker.copies.give(slot);
  turn.act(Serve{worker.key, slot});
}

void Crew::release(WorkerRecord& worker, Slot slot, Turn& turn) {
  if (!worker.staying() || !worker.copies.serves(slot)) return;
  worker.copies.ask_back(slot);
  turn.act(Release{worker.key, slot});
}

void Crew::send_off(WorkerRecord& worker, DrainReason reason, Turn& turn) {
  if (!worker.ready()) return leave(worker, turn);
  if (depart(worker, Departure::Step::draining, turn.now)) turn.act(Drain{worker.key, reason});
}

void Crew::hand_over(WorkerRecord& from, const WorkerRecord& to, Turn& turn) {
  ++from.handoffs_asked;
  turn.act(HandOver{from.key, to.key});
}

void Crew::leave(WorkerRecord& worker, Turn& turn) {
  if (depart(worker, Departure::Step::leaving, turn.now)) turn.act(Leave{worker.key});
}

void Crew::let_relay(WorkerRecord& worker, TimePoint now) {
  worker.is_relay = true;
  (void)depart(worker, Departure::Step::relaying, now);
}

void Crew::end_relay(WorkerRecord& relay, Turn& turn) {
  if (depart(relay, Departure::Step::draining, turn.now)) turn.act(EndRelay{relay.key, relay.slot});
}

void Crew::kill(WorkerRecord& worker, Turn& turn) {
  if (depart(worker, Departure::Step::killed, turn.now)) turn.act(Kill{worker.key});
}

void Crew::abort(WorkerRecord& worker, Turn& turn) {
  if (depart(worker, Departure::Step::aborted, turn.now)) turn.act(Abort{worker.key});
}

// A departing worker closes all its sockets; whether by itself or by dying, it is not asked for each of them.
bool Crew::depart(WorkerRecord& worker, Departure::Step step, TimePoint now) {
  if (!worker.departure.advance_to(step, now, settings_)) return false;
  worker.copies.ask_back_all();
  return true;
}

void Crew::became_ready(WorkerRecord& worker, TimePoint now) {
  worker.ready_at = now;
  worker.last_stamp = now;
}

void Crew::beat(WorkerRecord& worker, TimePoint stamp, Turn& turn) {
  if (!worker.ready() || stamp <= worker.last_stamp) return;
  const Duration silence = stamp - worker.last_stamp;
  worker.last_stamp = stamp;
  if (!worker.late || turn.now - stamp >= settings_.accept_takeover) return;
  worker.late = false;
  turn.log(LogLevel::info, name_of(worker) + " is back after " + in_words(silence) + " without a heartbeat");
}

void Crew::watch_heartbeats(Turn& turn) {
  for (auto& [key, worker] : workers_) {
    if (worker.ready() && (worker.staying() || worker.relaying())) judge_silence(worker, turn);
  }
}

// Nobody can do a relay's work meanwhile, so it is not called busy; but one that is stuck holds its clients, who would
// be better off with a new connection.
void Crew::judge_silence(WorkerRecord& worker, Turn& turn) {
  const Duration silence = turn.now - worker.last_stamp;
  if (silence >= settings_.watchdog) {
    turn.log(LogLevel::error, name_of(worker) + " gave no heartbeat for " + in_words(silence) + ": aborted");
    worker.fault = Fault::silence;
    abort(worker, turn);
  } else if (silence >= settings_.accept_takeover && !worker.late && worker.staying()) {
    worker.late = true;
    turn.log(LogLevel::warning, name_of(worker) + " gave no heartbeat for " + in_words(silence) + ": busy");
  }
}

void Crew::end_slow_starts(Turn& turn) {
  for (auto& [key, worker] : workers_) {
    if (worker.ready() || !worker.staying() || turn.now < worker.spawned_at + settings_.start_timeout) continue;
    worker.fault = Fault::slow_start;
    kill(worker, turn);
  }
}

void Crew::press_the_departing(Turn& turn) {
  for (auto& [key, worker] : workers_) {
    if (worker.departure.deadline() && turn.now >= *worker.departure.deadline()) press(worker, turn);
  }
}

void Crew::press(WorkerRecord& worker, Turn& turn) {
  switch (worker.departure.next_step()) {
    case Departure::Step::leaving:
      return leave(worker, turn);
    case Departure::Step::killed:
      turn.log(LogLevel::warning, name_of(worker) + " did not go in time: killed");
      return kill(worker, turn);
    default:
      if (!depart(worker, Departure::Step::unkillable, turn.now)) return;
      turn.log(LogLevel::error, name_of(worker) + " survived SIGKILL: the kernel holds it");
  }
}

void Crew::forgive_lateness(TimePoint now) {
  for (auto& [key, worker] : workers_) worker.last_stamp = std::max(worker.last_stamp, now);
}

void Crew::change_timeouts(Duration stop_timeout, Duration drain_timeout, Duration watchdog) {
  settings_.stop_timeout = stop_timeout;
  settings_.drain_timeout = drain_timeout;
  settings_.watchdog = watchdog;
}

std::optional<TimePoint> Crew::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [key, worker] : workers_) next = earliest(next, deadline_of(worker));
  return next;
}

std::optional<TimePoint> Crew::deadline_of(const WorkerRecord& worker) const {
  if (worker.relaying()) return worker.last_stamp + settings_.watchdog;
  if (!worker.staying()) return worker.departure.deadline();
  if (!worker.ready()) return worker.spawned_at + settings_.start_timeout;
  return worker.last_stamp + (worker.late ? settings_.watchdog : settings_.accept_takeover);
}

}  // namespace wsd::master
