#include "master/supervisor.h"

#include <algorithm>
#include <utility>

#include "master/earliest.h"
#include "master/obituary.h"

namespace wsd::master {

Supervisor::Supervisor(const SupervisorSettings& settings, const std::vector<ResumedWorker>& workers,
                       WorkerKey last_key, Generation last_generation, TimePoint now)
    : settings_(settings),
      phase_(Phase::running),
      last_look_(now),
      slots_(settings),
      last_generation_(last_generation) {
  for (const ResumedWorker& worker : workers) slots_.adopt(worker, last_key, now);
}

bool Supervisor::is_calm() const {
  return phase_ == Phase::running && !reload_ && !queued_reload_ && slots_.is_complete();
}

std::vector<ResumedWorker> Supervisor::resumable() const {
  std::vector<ResumedWorker> workers;
  for (const auto& [key, worker] : slots_.crew()) {
    workers.push_back({.key = key,
                       .slot = worker.slot,
                       .generation = worker.generation,
                       .current = slots_.is_current(worker),
                       .relaying = worker.state() == WorkerState::relaying,
                       .serves = worker.copies.served()});
  }
  return workers;
}

std::vector<Action> Supervisor::handle(const Event& event, TimePoint now) {
  if (phase_ == Phase::stopped) return {};
  Turn turn = begin_turn(now);
  std::visit([&](const auto& what) { on(what, turn); }, event);
  const bool only_noted = std::holds_alternative<Heartbeat>(event);  // and judged at the look for which it was read
  if (!only_noted) settle(turn);
  due_ = next_awake_deadline();
  return std::move(turn.actions);
}

Turn Supervisor::begin_turn(TimePoint now) {
  const Duration slept = clock_.notice_sleep(due_, now, settings_.master_late);
  Turn turn{clock_.awake(now), {}};
  if (slots_.crew().empty()) last_look_ = turn.now;  // there was nobody to look at
  if (slept > Duration::zero()) {
    turn.log(LogLevel::warning, "the master was late by " + in_words(slept) + ": nobody is judged by that time");
    slots_.crew().forgive_lateness(turn.now);
  }
  return turn;
}

void Supervisor::settle(Turn& turn) {
  if (phase_ == Phase::running) {
    roll_out(turn);
    slots_.share_sockets(turn);
    slots_.close_retired(turn);
  }
  if (phase_ == Phase::stopping) report_stopped_when_all_are_gone(turn);
}

void Supervisor::on(const Started&, Turn& turn) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::starting;
  last_look_ = turn.now;
  slots_.open(settings_.count, turn);
  for (unsigned slot = 0; slot < settings_.count; ++slot) slots_.spawn(static_cast<Slot>(slot), last_generation_, turn);
}

void Supervisor::on(const Ready& event, Turn& turn) {
  WorkerRecord* worker = slots_.crew().find(event.key);
  if (worker == nullptr || worker->ready() || !worker->staying()) return;
  slots_.crew().became_ready(*worker, turn.now);
  if (reload_ && reload_->is_successor(worker->key)) {
    reload_->successor_is_ready(slots_, turn);
  } else {
    slots_.settle_in(*worker);
  }
  if (phase_ == Phase::starting) report_started_when_all_are_ready(turn);
}

void Supervisor::on(const Exited& event, Turn& turn) {
  const auto worker = slots_.crew().bury(event.key);
  if (!worker) return;
  const bool unplanned = is_unplanned(*worker, event.status);
  if (unplanned) turn.act(CountExit{event.status, event.history});
  mourn({.worker = *worker,
         .obituary = obituary(*worker, event, turn.now),
         .reason = reason_of_failed_start(*worker, event, settings_),
         .could_not_start = could_not_start(*worker, event.status),
         .unplanned = unplanned},
        turn);
  if (unplanned && event.history.messages > 0) turn.log(LogLevel::warning, what_is_lost(*worker, event.history));
}

void Supervisor::on(const SpawnFailed& event, Turn& turn) {
  const auto worker = slots_.crew().bury(event.key);
  if (!worker) return;
  const std::string reason = reason_of_failed_spawn(*worker, event.error);
  mourn({.worker = *worker, .obituary = reason, .reason = reason, .could_not_start = true, .unplanned = true}, turn);
}

void Supervisor::mourn(const Death& death, Turn& turn) {
  const Slot slot = death.worker.slot;
  const bool was_current = slots_.is_current(death.worker);
  if (was_current) slots_.vacate(slot);

  if (phase_ == Phase::starting) {
    fail_start(death.reason, turn);
  } else if (phase_ == Phase::running && reload_ && reload_->is_successor(death.worker.key)) {
    reload_->successor_failed(death.reason, slots_, turn);
  } else if (phase_ == Phase::running && was_current && reload_ && reload_->is_replacing(slot)) {
    reload_->predecessor_died(slots_, turn);
    if (death.unplanned) turn.log(LogLevel::error, death.obituary + "; its successor takes its place");
  } else if (phase_ == Phase::running && was_current && slots_.is_open(slot)) {
    slots_.respawn(death.worker, death.obituary, death.could_not_start, turn);
  } else if (death.unplanned) {
    turn.log(LogLevel::warning, death.obituary + ", on its way out");
  }
}

void Supervisor::on(const Released& event, Turn&) {
  if (WorkerRecord* worker = slots_.crew().find(event.key)) worker->copies.closed(event.slot);
}

void Supervisor::on(const TookOver& event, Turn& turn) {
  if (reload_ && reload_->is_successor(event.key)) reload_->took_over(slots_, turn);
}

void Supervisor::on(const HandoffFailed& event, Turn& turn) {
  WorkerRecord* worker = slots_.crew().find(event.key);
  if (worker == nullptr || worker->handoffs_asked == 0) return;
  worker->relays = false;
  const bool is_of_an_earlier_successor = --worker->handoffs_asked > 0;  // it was stuck meanwhile, and that one died
  if (!is_of_an_earlier_successor && reload_ && reload_->is_handing_over(worker->slot)) {
    const std::string reason = name_of(*worker) + " kept its clients: " + event.reason;
    reload_->handoff_failed(reason, slots_, turn);
  }
}

void Supervisor::on(const Relays& event, Turn&) {
  if (WorkerRecord* worker = slots_.crew().find(event.key)) worker->relays = true;
}

void Supervisor::on(const Full& event, Turn&) {
  if (WorkerRecord* worker = slots_.crew().find(event.key)) worker->full = true;
}

void Supervisor::on(const HasRoom& event, Turn&) {
  if (WorkerRecord* worker = slots_.crew().find(event.key)) worker->full = worker->refusing = false;
}

void Supervisor::on(const Heartbeat& event, Turn& turn) {
  WorkerRecord* worker = slots_.crew().find(event.key);
  if (worker != nullptr) slots_.crew().beat(*worker, clock_.awake(event.stamp), turn);
}

void Supervisor::on(const Tick&, Turn& turn) {
  last_look_ = turn.now;
  slots_.crew().watch_heartbeats(turn);
  slots_.crew().end_slow_starts(turn);
  slots_.crew().press_the_departing(turn);
  slots_.respawn_due(turn);
  give_up_slow_starts(turn);
}

void Supervisor::on(const StopRequested& event, Turn& turn) {
  begin_stop(turn);
  for (auto& [key, worker] : slots_.crew()) {
    if (event.graceful) {
      slots_.crew().send_off(worker, DrainReason::graceful_stop, turn);
    } else {
      slots_.crew().leave(worker, turn);
    }
  }
}

void Supervisor::on(const StopNowRequested&, Turn& turn) {
  begin_stop(turn);
  for (auto& [key, worker] : slots_.crew()) slots_.crew().kill(worker, turn);
}

void Supervisor::on(const ReloadRequested& event, Turn& turn) {
  const unsigned superseded = queued_reload_ ? queued_reload_->requests : 0;
  queued_reload_ = ReloadOrder{++last_generation_, std::max(1U, event.count), superseded + 1};
  if (stopping()) fail_reloads("the server is stopping", turn);
}

void Supervisor::report_started_when_all_are_ready(Turn& turn) {
  const auto ready = [](const auto& worker) { return worker.second.ready(); };
  if (!std::ranges::all_of(slots_.crew(), ready)) return;
  phase_ = Phase::running;
  turn.act(ReportStarted{});
}

// They were killed in this turn. Nobody waits for them to be reaped: a process that hangs in the kernel never is.
void Supervisor::give_up_slow_starts(Turn& turn) {
  for (const auto& [key, worker] : slots_.crew()) {
    if (worker.fault != Fault::slow_start) continue;
    const std::string reason = reason_of_failed_start(worker, {}, settings_);
    if (phase_ == Phase::starting) return fail_start(reason, turn);
    if (reload_ && reload_->is_successor(key)) return reload_->successor_failed(reason, slots_, turn);
  }
}

void Supervisor::fail_start(const std::string& reason, Turn& turn) {
  phase_ = Phase::stopping;
  turn.act(ReportStartFailed{reason});
  fail_reloads("the server is stopping", turn);
  for (auto& [key, worker] : slots_.crew()) slots_.crew().leave(worker, turn);
}

void Supervisor::roll_out(Turn& turn) {
  while (reload_ || queued_reload_) {
    if (!reload_) begin_queued_reload();
    reload_->advance(slots_, turn);
    if (reload_->state() == Reload::State::going_on) return;
    report_reload(turn);
  }
}

void Supervisor::begin_queued_reload() {
  reload_.emplace(*std::exchange(queued_reload_, std::nullopt), slots_.count(), settings_);
}

void Supervisor::report_reload(Turn& turn) {
  const Reload reload = *std::exchange(reload_, std::nullopt);
  for (unsigned i = 0; i < reload.order().requests; ++i) {
    if (reload.state() == Reload::State::done) {
      turn.act(ReportReloaded{reload.order().generation});
    } else {
      turn.act(ReportReloadFailed{reload.failure()});
    }
  }
}

void Supervisor::fail_reloads(const std::string& reason, Turn& turn) {
  unsigned requests = 0;
  if (reload_) requests += reload_->order().requests;
  if (queued_reload_) requests += queued_reload_->requests;
  reload_.reset();
  queued_reload_.reset();
  for (unsigned i = 0; i < requests; ++i) turn.act(ReportReloadFailed{reason});
}

void Supervisor::begin_stop(Turn& turn) {
  if (phase_ == Phase::starting) turn.act(ReportStartFailed{"it was told to stop while starting"});
  phase_ = Phase::stopping;
  fail_reloads("the server is stopping", turn);
  slots_.cancel_respawns();
}

void Supervisor::report_stopped_when_all_are_gone(Turn& turn) {
  const auto unkillable = [](const auto& worker) {
    return worker.second.departure.step() == Departure::Step::unkillable;
  };
  if (!std::ranges::all_of(slots_.crew(), unkillable)) return;
  phase_ = Phase::stopped;
  turn.act(ReportStopped{.survivors = !slots_.crew().empty()});
}

std::optional<TimePoint> Supervisor::next_deadline() const {
  const auto deadline = next_awake_deadline();
  return deadline ? std::optional(clock_.real(*deadline)) : std::nullopt;
}

std::optional<TimePoint> Supervisor::next_awake_deadline() const {
  if (phase_ == Phase::stopped) return std::nullopt;
  auto next = slots_.next_deadline();
  if (reload_) next = earliest(next, reload_->next_deadline());
  if (!slots_.crew().empty()) next = earliest(next, last_look_ + settings_.look_interval);
  return next;
}

std::vector<Supervisor::WorkerView> Supervisor::workers() const {
  std::vector<WorkerView> views;
  for (const auto& [key, worker] : slots_.crew()) {
    const bool current = slots_.is_current(worker) && slots_.is_open(worker.slot);
    views.push_back({key, worker.slot, worker.generation, worker.state(), current, worker.handoffs_asked > 0});
  }
  std::ranges::sort(views, {}, [](const auto& view) { return std::tuple(!view.current, view.slot, view.key); });
  return views;
}

Generation Supervisor::generation() const {
  Generation newest = 1;
  for (const auto& [slot, record] : slots_) newest = std::max(newest, record.generation);
  return newest;
}

Generation Supervisor::oldest_generation() const {
  Generation oldest = last_generation_;
  for (const auto& [key, worker] : slots_.crew()) {
    const bool runs_it = worker.state() != WorkerState::relaying;  // or it may be here for months, without an app
    if (runs_it) oldest = std::min(oldest, worker.generation);
  }
  for (const auto& [slot, record] : slots_) {
    if (record.generation != 0) oldest = std::min(oldest, record.generation);
  }
  return oldest;
}

unsigned Supervisor::count() const {
  return slots_.count();
}

}  // namespace wsd::master
