// The supervisor in thousands of random lives, under the promises of its header. A broken one prints its seed and the
// end of its story; WSD_SEED=<seed> lives that life again, and prints all of it; WSD_LIVES=<number> lives more of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <span>

#include "master/supervisor.h"
#include "tests/unit/master/action_text.h"
#include "tests/unit/master/simulated_workers.h"
#include "tests/unit/support/lives.h"

namespace wsd::master {
namespace {

using namespace std::chrono_literals;
using wsd::test::promise;

template <class What>
constexpr bool is(const Action& action) {
  return std::holds_alternative<What>(action);
}

// What an observer of all events and actions can say about the supervisor's promises.
class Witness {
 public:
  Witness(const SupervisorSettings& settings, const Supervisor& supervisor, SimulatedWorkers& workers)
      : settings_(settings), supervisor_(supervisor), workers_(workers) {}

  // Before the order is obeyed. `rest`: what was decided with it, from it on.
  void sees(const Event& event, TimePoint now);
  void sees(const Action& action, std::span<const Action> rest, TimePoint now);
  void master_slept(Duration nap, TimePoint now);
  // After all orders of one turn.
  void looks_around(TimePoint now);
  // After the last turn.
  void remembers() const;

  bool stopped() const { return stopped_; }

 private:
  void it_proved_its_code(WorkerKey key);
  void judge_spawn(const Spawn& spawn, TimePoint now);
  void judge_leave(WorkerKey key, TimePoint now) const;
  void judge_abort(WorkerKey key, TimePoint now) const;
  void judge_kill(WorkerKey key, TimePoint now) const;
  void judge_handing_on(WorkerKey key) const;
  void judge_retirement(Slot slot, std::span<const Action> rest) const;

  using Views = std::vector<Supervisor::WorkerView>;
  void judge_current_workers(const Views& views) const;
  void judge_empty_slots(const Views& views, TimePoint now);
  void judge_retiring_slots(TimePoint now);
  void judge_relays(const Views& views, TimePoint now) const;
  void judge_sockets(const Views& views) const;
  bool waits_for_its_predecessor(WorkerKey key) const;
  bool takes_clients(const Supervisor::WorkerView& view) const;
  bool serves(const Supervisor::WorkerView& view, Slot slot) const;

  SupervisorSettings settings_;
  const Supervisor& supervisor_;
  SimulatedWorkers& workers_;
  TimePoint woke_at_;                             // after a sleep longer than the watchdog
  TimePoint last_awoke_;                          // after any
  std::map<WorkerKey, TimePoint> stamps_;         // the newest that the supervisor was fed
  std::map<Slot, std::deque<TimePoint>> spawns_;  // of the last ten seconds
  std::map<Slot, Generation> proved_;             // what the slot's last worker that got ready ran
  std::set<WorkerKey> took_over_;
  std::optional<WorkerKey> just_ready_;  // whom the present event is about
  std::map<Slot, TimePoint> empty_since_, retiring_since_;
  unsigned start_reports_ = 0, reloads_requested_ = 0, reload_reports_ = 0;
  bool started_ = false, asked_to_stop_ = false, stop_now_ = false, stopped_ = false;
};

// The time that the master slept counts for nobody.
void Witness::master_slept(Duration nap, TimePoint now) {
  if (nap > settings_.watchdog) woke_at_ = now;
  last_awoke_ = now;
  for (auto* times : {&empty_since_, &retiring_since_}) {
    for (auto& [slot, since] : *times) since += nap;
  }
}

void Witness::sees(const Event& event, TimePoint now) {
  if (const auto* beat = std::get_if<Heartbeat>(&event)) stamps_[beat->key] = beat->stamp;
  just_ready_.reset();
  if (const auto* ready = std::get_if<Ready>(&event)) {
    just_ready_ = ready->key;
    stamps_[ready->key] = now;
    if (!workers_.find(ready->key)->birth.successor) it_proved_its_code(ready->key);
  }
  if (const auto* heir = std::get_if<TookOver>(&event)) it_proved_its_code(heir->key);
  if (std::holds_alternative<ReloadRequested>(event)) ++reloads_requested_;
  if (std::holds_alternative<StopRequested>(event)) asked_to_stop_ = true;
  if (std::holds_alternative<StopNowRequested>(event)) asked_to_stop_ = stop_now_ = true;
}

void Witness::sees(const Action& action, std::span<const Action> rest, TimePoint now) {
  promise(!stopped_, "nothing follows ReportStopped");
  if (const auto* spawn = std::get_if<Spawn>(&action)) judge_spawn(*spawn, now);
  if (const auto* leave = std::get_if<Leave>(&action)) judge_leave(leave->key, now);
  if (const auto* abort = std::get_if<Abort>(&action)) judge_abort(abort->key, now);
  if (const auto* kill = std::get_if<Kill>(&action)) judge_kill(kill->key, now);
  // Nobody was there to hand over. One whose predecessor died on the way has still to say that it serves.
  const auto* begin = std::get_if<BeginToServe>(&action);
  if (begin != nullptr && begin->key == just_ready_) it_proved_its_code(begin->key);
  if (const auto* retire = std::get_if<RetireSlot>(&action)) judge_retirement(retire->slot, rest);
  if (is<ReportStartFailed>(action)) asked_to_stop_ = true;
  if (is<ReportStarted>(action)) started_ = true;
  if (is<ReportStarted>(action) || is<ReportStartFailed>(action)) ++start_reports_;
  if (is<ReportReloaded>(action) || is<ReportReloadFailed>(action)) ++reload_reports_;
  if (is<ReportStopped>(action)) stopped_ = true;
  promise(start_reports_ <= 1, "the start is reported once");
  promise(reload_reports_ <= reloads_requested_, "a reload is reported only when asked for");
}

void Witness::it_proved_its_code(WorkerKey key) {
  const SimulatedWorker* worker = workers_.find(key);
  took_over_.insert(key);
  if (worker != nullptr && !worker->sent_off()) proved_[worker->birth.slot] = worker->birth.generation;
}

void Witness::judge_spawn(const Spawn& spawn, TimePoint now) {
  promise(!asked_to_stop_, "nothing is spawned after a stop");
  const bool reloading = reload_reports_ < reloads_requested_;
  promise(!started_ || reloading || spawn.generation == proved_[spawn.slot], "respawned workers run proved code");
  auto& recent = spawns_[spawn.slot];
  recent.push_back(now);
  while (now - recent.front() > 10s) recent.pop_front();
  // At once, then after 0.1, 0.2, ... 3.2 s; a reload tries four times and lets the steps begin anew.
  const unsigned most = 8 + 12 * reloads_requested_;
  promise(recent.size() <= most, "the restart rate is bounded");
}

void Witness::judge_leave(WorkerKey key, TimePoint now) const {
  const SimulatedWorker* worker = workers_.find(key);
  if (worker == nullptr || !worker->ready) return;
  const bool drained = worker->drained_at && now - *worker->drained_at >= settings_.drain_timeout;
  const bool not_needed = worker->birth.successor && !worker->has_clients_of_another;
  const bool replaced = worker->asked_to_hand_over || not_needed;
  promise(asked_to_stop_ || drained || replaced, "a serving worker is told to leave only when it is replaced");
  if (!asked_to_stop_ && !drained) judge_handing_on(key);
}

void Witness::judge_abort(WorkerKey key, TimePoint now) const {
  promise(now - stamps_.at(key) >= settings_.watchdog, "only a silent worker is aborted");
  promise(now - woke_at_ >= settings_.watchdog, "nobody is aborted because the master slept");
}

void Witness::judge_kill(WorkerKey key, TimePoint now) const {
  const SimulatedWorker* worker = workers_.find(key);
  if (worker == nullptr) return;
  const bool left = worker->left_at && now - *worker->left_at >= settings_.stop_timeout + settings_.kill_grace;
  const bool aborted = worker->aborted_at && now - *worker->aborted_at >= settings_.kill_grace;
  const bool never_ready = !worker->ready && now - worker->born >= settings_.start_timeout;
  promise(stop_now_ || left || aborted || never_ready, "a worker is killed only after its deadline");
  promise(!worker->killed_at, "nobody is killed twice");
}

void Witness::judge_handing_on(WorkerKey key) const {
  for (const Slot slot : workers_.find(key)->assigned) {
    const bool handed_on = std::ranges::any_of(workers_.all(), [&](const auto& other) {
      return other.first != key && other.second.ready && other.second.assigned.contains(slot);
    });
    promise(handed_on || slot >= supervisor_.count(), "a replaced worker has handed on what it served");
  }
}

void Witness::judge_retirement(Slot slot, std::span<const Action> rest) const {
  for (const auto& [key, worker] : workers_.all()) {
    const Socket socket = workers_.socket_of(slot);
    if (!worker.copies.contains(socket) && !worker.on_the_way.contains(socket)) continue;
    const bool accepts_the_rest = std::ranges::any_of(rest, [holder = key](const Action& action) {
      const auto* drain = std::get_if<Drain>(&action);
      return drain != nullptr && drain->key == holder && drain->reason == DrainReason::slot_retired;
    });
    promise(accepts_the_rest && worker.birth.slot == slot, "no slot retires while another has a copy of its sockets");
  }
}

void Witness::looks_around(TimePoint now) {
  const auto views = supervisor_.workers();
  judge_current_workers(views);
  promise(asked_to_stop_ || !workers_.clients_got_lost(), "clients are not handed to a worker that was told to go");
  if (!started_ || supervisor_.stopping()) return;
  judge_relays(views, now);
  judge_sockets(views);
  judge_empty_slots(views, now);
  judge_retiring_slots(now);
}

void Witness::judge_current_workers(const Views& views) const {
  std::set<Slot> taken;
  for (const auto& view : views) {
    const bool serving = view.state == WorkerState::running || view.state == WorkerState::busy;
    promise(view.current || !serving || waits_for_its_predecessor(view.key) || view.slot >= supervisor_.count(),
            "a serving worker is its slot's current one");
    if (!view.current) continue;
    promise(taken.insert(view.slot).second, "a slot has one current worker");
    promise(view.slot < supervisor_.count(), "a current worker has a slot within the count");
  }
}

void Witness::judge_relays(const Views& views, TimePoint now) const {
  std::size_t relays = 0;
  for (const auto& view : views) {
    if (view.state != WorkerState::relaying) continue;
    ++relays;
    promise(now - std::max(stamps_.at(view.key), last_awoke_) < settings_.watchdog + 2s, "no relay stays stuck");
  }
  promise(relays + supervisor_.count() <= settings_.max_processes, "there is room beside all relays");
}

void Witness::judge_empty_slots(const Views& views, TimePoint now) {
  for (unsigned number = 0; number < supervisor_.count(); ++number) {
    const auto slot = static_cast<Slot>(number);
    const bool empty = std::ranges::none_of(views, [&](const auto& view) { return view.current && view.slot == slot; });
    if (!empty) empty_since_.erase(slot);
    if (empty) empty_since_.try_emplace(slot, now);
    promise(!empty || now - empty_since_[slot] < settings_.last_backoff + 1s, "no slot stays empty");
  }
}

void Witness::judge_retiring_slots(TimePoint now) {
  std::erase_if(retiring_since_,
                [&](const auto& slot) { return slot.first < supervisor_.count() || !workers_.is_open(slot.first); });
  const bool somebody_never_goes =
      std::ranges::any_of(workers_.all(), [](const auto& worker) { return worker.second.unkillable; });
  for (unsigned number = supervisor_.count(); workers_.is_open(static_cast<Slot>(number)); ++number) {
    const auto [slot, is_new] = retiring_since_.try_emplace(static_cast<Slot>(number), now);
    promise(somebody_never_goes || now - slot->second < 60s, "a slot that retires does so in the end");
  }
}

void Witness::judge_sockets(const Views& views) const {
  const bool any = std::ranges::any_of(views, [&](const auto& view) { return takes_clients(view); });
  for (unsigned number = 0; any && number < supervisor_.count(); ++number) {
    const auto slot = static_cast<Slot>(number);
    const auto own =
        std::ranges::find_if(views, [&](const auto& view) { return view.slot == slot && takes_clients(view); });
    const auto servers = std::ranges::count_if(views, [&](const auto& view) { return serves(view, slot); });
    promise(servers > 0, fmt::format("slot {} is served by somebody", slot));
    if (own != views.end()) promise(servers == 1, fmt::format("slot {} is served by its own worker alone", slot));
  }
}

bool Witness::waits_for_its_predecessor(WorkerKey key) const {
  const SimulatedWorker* worker = workers_.find(key);
  return worker == nullptr || (worker->birth.successor && !took_over_.contains(key));
}

bool Witness::takes_clients(const Supervisor::WorkerView& view) const {
  const SimulatedWorker* worker = workers_.find(view.key);
  return view.current && view.state == WorkerState::running && worker != nullptr && !worker->full;
}

bool Witness::serves(const Supervisor::WorkerView& view, Slot slot) const {
  return takes_clients(view) && workers_.find(view.key)->assigned.contains(slot);
}

void Witness::remembers() const {
  promise(stopped_, "every stop ends");
  promise(reload_reports_ == reloads_requested_, "each request for a reload is answered once");
}

// One random life, from the start to the end of the stop.
class Life {
 public:
  Life(std::uint64_t seed, bool tell_the_story)
      : tell_the_story_(tell_the_story),
        chance_(seed),
        settings_(random_settings()),
        supervisor_(settings_),
        workers_(chance_, agenda_, now_, [this](const Event& event) { handle(event); }),
        witness_(settings_, supervisor_, workers_) {}

  void live() {
    plan();
    while (!witness_.stopped()) {
      promise(now_ < last_moment_, "every stop ends in time");
      let_time_pass();
      let_things_happen();
      look_if_due();
    }
    witness_.remembers();
  }

  const std::deque<std::string>& story() const { return story_; }
  unsigned events() const { return events_; }

 private:
  SupervisorSettings random_settings() {
    SupervisorSettings settings;
    settings.count = chance_.number(1, 5);
    if (chance_.percent(50)) settings.max_processes = chance_.number(16, 24);  // five slots need 15
    settings.look_interval = std::chrono::milliseconds(chance_.number(100, 400));
    return settings;
  }

  void plan() {
    const TimePoint stop = now_ + (chance_.percent(80) ? 10s : 0s) + chance_.time_up_to(150s);
    agenda_.plan(now_, [this] { handle(Started{}); });
    for (unsigned reloads = chance_.number(0, 4); reloads > 0; --reloads) plan_reload(now_ + chance_.time_up_to(150s));
    plan_stop(stop);
    if (chance_.percent(30)) plan_stop(stop + chance_.time_up_to(30s));
    last_moment_ =
        stop + settings_.drain_timeout + settings_.stop_timeout + settings_.kill_grace + settings_.reap_grace + 2s;
  }

  void plan_reload(TimePoint when) {
    agenda_.plan(when, [this] {
      const bool same_count = chance_.percent(40);
      handle(ReloadRequested{same_count ? supervisor_.count() : chance_.number(1, 5)});
    });
  }

  void plan_stop(TimePoint when) {
    agenda_.plan(when, [this] {
      if (chance_.percent(15)) return handle(StopNowRequested{});
      handle(StopRequested{.graceful = chance_.percent(50)});
    });
  }

  void let_time_pass() {
    auto next = agenda_.next();
    if (const auto due = supervisor_.next_deadline()) next = next ? std::min(*next, *due) : *due;
    promise(next.has_value(), "somebody will do something");
    const TimePoint before = now_;
    now_ = std::max(now_, *next) + (chance_.percent(50) ? 0ms : chance_.time_up_to(30ms));
    if (chance_.number(0, 999) == 0) sleep(before);
  }

  // The master is stopped for a while; sometimes the whole machine is.
  void sleep(TimePoint since) {
    const Duration nap = chance_.time_up_to(100s);
    now_ += nap;
    last_moment_ += nap;
    witness_.master_slept(nap, now_);
    if (chance_.percent(30)) workers_.were_frozen_since(since);
    note(fmt::format("the master sleeps for {:.1f} s", std::chrono::duration<double>(nap).count()));
  }

  void let_things_happen() {
    while (!witness_.stopped() && agenda_.next() && *agenda_.next() <= now_) agenda_.run_next();
  }

  void look_if_due() {
    if (!supervisor_.next_deadline() || now_ < *supervisor_.next_deadline()) return;
    for (const Heartbeat& beat : workers_.heartbeats()) handle(beat);
    handle(Tick{});
    promise(!supervisor_.next_deadline() || *supervisor_.next_deadline() > now_,
            "a look when it is due brings progress");
  }

  void handle(const Event& event) {
    ++events_;
    witness_.sees(event, now_);
    const auto actions = supervisor_.handle(event, now_);
    note(event, actions);
    for (std::size_t i = 0; i < actions.size(); ++i) {
      witness_.sees(actions[i], std::span(actions).subspan(i), now_);
      workers_.obey(actions[i]);
    }
    const bool is_only_noted = std::holds_alternative<Heartbeat>(event);
    const bool is_idle = std::holds_alternative<Tick>(event) && actions.empty();
    if (!is_only_noted && !is_idle) witness_.looks_around(now_);
  }

  void note(const Event& event, const std::vector<Action>& actions) {
    if (!tell_the_story_) return;
    const bool is_routine = std::holds_alternative<Heartbeat>(event) || std::holds_alternative<Tick>(event);
    if (is_routine && actions.empty()) return;
    note(to_text(event));
    for (const Action& action : actions) note("  " + to_text(action));
  }

  void note(const std::string& line) {
    if (!tell_the_story_) return;
    story_.push_back(fmt::format("{:10.4f}  {}", std::chrono::duration<double>(now_.time_since_epoch()).count(), line));
  }

  bool tell_the_story_;
  std::deque<std::string> story_;
  unsigned events_ = 0;
  TimePoint now_{};
  TimePoint last_moment_;
  Chance chance_;
  Agenda agenda_;
  SupervisorSettings settings_;
  Supervisor supervisor_;
  SimulatedWorkers workers_;
  Witness witness_;
};

TEST(SupervisorSimulation, KeepsItsPromisesInEveryLife) {
  unsigned long long events = 0;
  wsd::test::live_all<Life>(1000, [&](const Life& life) { events += life.events(); });
  RecordProperty("events", std::to_string(events));
}

}  // namespace
}  // namespace wsd::master
