#include "tests/unit/master/simulated_workers.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include "worker/exit_code.h"

namespace wsd::master {

using namespace std::chrono_literals;

namespace {

constexpr ExitStatus kDone{};
constexpr ExitStatus kCannotStart{.code = static_cast<int>(worker::ExitCode::cannot_start), .signal = 0};
constexpr ExitStatus died_of(int signal) {
  return {.code = 0, .signal = signal};
}

}  // namespace

Duration Chance::time_up_to(Duration longest) {
  const auto magnitude = number(0, 5);
  auto limit = std::chrono::duration_cast<std::chrono::microseconds>(longest);
  for (unsigned i = 0; i < magnitude; ++i) limit /= 4;
  return std::chrono::microseconds(number(1, 1 + static_cast<unsigned>(limit.count())));
}

std::optional<TimePoint> Agenda::next() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.begin()->first);
}

void Agenda::run_next() {
  entries_.extract(entries_.begin()).mapped()();
}

SimulatedWorker* SimulatedWorkers::find(WorkerKey key) {
  const auto worker = workers_.find(key);
  return worker == workers_.end() ? nullptr : &worker->second;
}

void SimulatedWorkers::obey(const Action& action) {
  if (const auto* o = std::get_if<OpenSlots>(&action)) return open_slots(o->count);
  if (const auto* o = std::get_if<RetireSlot>(&action)) open_.erase(o->slot);
  if (const auto* o = std::get_if<Spawn>(&action)) return spawn(*o);
  if (const auto* o = std::get_if<HandOver>(&action)) return hand_over(*o);
  if (const auto* o = std::get_if<BeginToServe>(&action)) return begin_to_serve(o->key);
  if (const auto* o = std::get_if<Serve>(&action)) return serve(*o);
  if (const auto* o = std::get_if<Release>(&action)) return release(*o);
  if (const auto* o = std::get_if<EndRelay>(&action)) return end_relay(o->key);
  if (const auto* o = std::get_if<Drain>(&action)) return drain(o->key);
  if (const auto* o = std::get_if<Leave>(&action)) return leave(o->key);
  if (const auto* o = std::get_if<Abort>(&action)) return abort(o->key);
  if (const auto* o = std::get_if<Kill>(&action)) return kill(o->key);
}

std::vector<Heartbeat> SimulatedWorkers::heartbeats() {
  std::vector<Heartbeat> beats;
  for (auto& [key, worker] : workers_) {
    if (!worker.stalled) worker.stamp = std::max(worker.stamp, frozen_since_.value_or(now_));
    if (worker.ready) beats.push_back({key, worker.stamp});
  }
  frozen_since_.reset();
  return beats;
}

// Something that happens to this worker, unless it is gone by then.
template <class What>
void SimulatedWorkers::plan(WorkerKey key, Duration within, What what) {
  agenda_.plan(now_ + within, [this, key, what] {
    if (SimulatedWorker* worker = find(key)) what(*worker);
  });
}

void SimulatedWorkers::spawn(const Spawn& birth) {
  if (chance_.percent(2)) {
    agenda_.plan(now_, [this, key = birth.key] { tell_(SpawnFailed{key, EAGAIN}); });
    return;
  }
  SimulatedWorker& worker = workers_[birth.key];
  worker.birth = birth;
  worker.born = worker.stamp = now_;
  worker.copies.insert(socket_of(birth.slot));
  worker.assigned.insert(birth.slot);
  worker.latency = chance_.time_up_to(chance_.percent(10) ? 700ms : 5ms);
  worker.obedient = !chance_.percent(8);
  worker.unkillable = chance_.percent(1);
  plan_start(birth.key);
}

bool SimulatedWorkers::is_bad(Generation generation) {
  const bool first = generation == 1;
  return bad_generations_.try_emplace(generation, chance_.percent(first ? 2 : 20)).first->second;
}

bool SimulatedWorkers::is_doomed(const SimulatedWorker& worker) {
  const bool respawned = worker.born > TimePoint() + 10s;
  return respawned && doomed_slots_.try_emplace(worker.birth.slot, chance_.percent(10)).first->second;
}

void SimulatedWorkers::plan_start(WorkerKey key) {
  const bool fails = chance_.percent(is_bad(workers_.at(key).birth.generation) ? 80 : 2);
  if (fails && chance_.percent(30)) return;  // it hangs
  if (fails) return die(key, chance_.percent(50) ? kCannotStart : died_of(SIGSEGV), 500ms);
  plan(key, chance_.time_up_to(3s), [this, key](SimulatedWorker& worker) {
    worker.ready = true;
    worker.stamp = now_;
    tell_(Ready{key});
    plan_mishap(key);
  });
}

void SimulatedWorkers::plan_mishap(WorkerKey key) {
  if (is_doomed(workers_.at(key))) return die(key, died_of(SIGFPE), 10ms);
  const Duration calm = chance_.percent(80) ? 3s : 0s;
  plan(key, calm + chance_.time_up_to(60s), [this, key](SimulatedWorker&) {
    switch (chance_.number(0, 3)) {
      case 0:
        return die(key, died_of(SIGSEGV), 0ms);
      case 1:
        return die(key, {.code = static_cast<int>(chance_.number(0, 5)), .signal = 0}, 0ms);
      case 2:
        return stall(key);
      default:
        return fill(key);
    }
  });
}

void SimulatedWorkers::stall(WorkerKey key) {
  workers_.at(key).stalled = true;
  if (chance_.percent(20)) return;  // for ever
  plan(key, chance_.time_up_to(15s), [this, key](SimulatedWorker&) { wake(key); });
}

void SimulatedWorkers::wake(WorkerKey key) {
  SimulatedWorker& worker = workers_.at(key);
  worker.stalled = false;
  for (const Order& order : std::exchange(worker.unread_orders, {})) order(worker);
  plan_mishap(key);
}

void SimulatedWorkers::fill(WorkerKey key) {
  workers_.at(key).full = true;
  tell_(Full{key});
  plan(key, chance_.time_up_to(20s), [this, key](SimulatedWorker& worker) {
    worker.full = false;
    tell_(HasRoom{key});
    plan_mishap(key);
  });
}

// Orders. The worker reads them a little later, in order; one that could not be forked reads none.

void SimulatedWorkers::hand_over(const HandOver& order) {
  SimulatedWorker* from = find(order.from);
  if (from == nullptr) return take_over(order.to);  // the stream ends at once: there is nobody to wait for
  from->heirs.insert(order.to);
  from->asked_to_hand_over = true;
  send(*from, [this, to = order.to](SimulatedWorker& giver) { give_clients(giver, to); });
}

void SimulatedWorkers::give_clients(SimulatedWorker& giver, WorkerKey to) {
  SimulatedWorker* heir = find(to);
  if (heir == nullptr || heir->stalled || chance_.percent(15)) {
    giver.heirs.erase(to);
    return tell_(HandoffFailed{giver.birth.key, "no luck"});
  }
  heir->has_clients_of_another = true;
  if (heir->left_at) clients_got_lost_ = true;
  if (chance_.percent(40)) return begin_to_relay(giver, to);
  die(giver.birth.key, kDone, chance_.time_up_to(100ms));
  if (!chance_.percent(50)) return;  // the other tells it when this one is gone
  giver.heirs.erase(to);
  take_over(to);
}

// Its clients leave, but for the stubborn ones.
void SimulatedWorkers::begin_to_relay(SimulatedWorker& giver, WorkerKey to) {
  giver.relays = true;
  giver.heirs.erase(to);
  tell_(Relays{giver.birth.key});
  if (chance_.percent(50)) die(giver.birth.key, kDone, chance_.time_up_to(200s));
  take_over(to);
}

void SimulatedWorkers::end_relay(WorkerKey key) {
  SimulatedWorker* relay = find(key);
  if (relay == nullptr) return;
  relay->drained_at = now_;
  if (chance_.percent(80)) die(key, kDone, chance_.time_up_to(30s));
}

void SimulatedWorkers::begin_to_serve(WorkerKey key) {
  take_over(key);
}

void SimulatedWorkers::take_over(WorkerKey key) {
  SimulatedWorker* worker = find(key);
  if (worker == nullptr) return;
  send(*worker, [this](SimulatedWorker& heir) { tell_(TookOver{heir.birth.key, 0, 0ms}); });
}

void SimulatedWorkers::serve(const Serve& order) {
  SimulatedWorker* worker = find(order.key);
  if (worker == nullptr) return;
  const Socket socket = socket_of(order.slot);
  worker->assigned.insert(order.slot);
  worker->on_the_way.insert(socket);
  send(*worker, [socket](SimulatedWorker& reader) {
    reader.on_the_way.erase(reader.on_the_way.find(socket));
    reader.copies.insert(socket);
  });
}

void SimulatedWorkers::release(const Release& order) {
  SimulatedWorker* worker = find(order.key);
  if (worker == nullptr) return;
  worker->assigned.erase(order.slot);
  send(*worker, [this, slot = order.slot](SimulatedWorker& reader) { close_copies(reader, {slot}); });
}

void SimulatedWorkers::drain(WorkerKey key) {
  SimulatedWorker* worker = find(key);
  if (worker == nullptr) return;
  worker->drained_at = now_;
  send(*worker, [this](SimulatedWorker& reader) { go(reader, 40s); });
}

void SimulatedWorkers::leave(WorkerKey key) {
  SimulatedWorker* worker = find(key);
  if (worker == nullptr) return;
  worker->left_at = now_;
  send(*worker, [this](SimulatedWorker& reader) { go(reader, 4s); });
}

void SimulatedWorkers::abort(WorkerKey key) {
  SimulatedWorker* worker = find(key);
  if (worker == nullptr) return;
  worker->aborted_at = now_;
  if (worker->obedient) die(key, died_of(SIGABRT), 200ms);
}

void SimulatedWorkers::kill(WorkerKey key) {
  SimulatedWorker* worker = find(key);
  if (worker == nullptr) return;
  worker->killed_at = now_;
  if (!worker->unkillable) die(key, died_of(SIGKILL), 50ms);
}

void SimulatedWorkers::send(SimulatedWorker& worker, Order order) {
  plan(worker.birth.key, worker.latency, [order = std::move(order)](SimulatedWorker& reader) {
    if (reader.stalled) {
      reader.unread_orders.push_back(order);
    } else {
      order(reader);
    }
  });
}

void SimulatedWorkers::close_copies(SimulatedWorker& worker, const std::set<Slot>& slots) {
  for (const Slot slot : slots) {
    if (std::erase_if(worker.copies, [slot](const Socket& copy) { return copy.slot == slot; }) == 0) continue;
    plan(worker.birth.key, 1ms, [this, slot](SimulatedWorker& closer) { tell_(Released{closer.birth.key, slot}); });
  }
}

void SimulatedWorkers::go(SimulatedWorker& worker, Duration within) {
  std::set<Slot> slots;
  for (const Socket& copy : worker.copies) slots.insert(copy.slot);
  close_copies(worker, slots);
  if (worker.obedient) die(worker.birth.key, kDone, chance_.time_up_to(within));
}

void SimulatedWorkers::die(WorkerKey key, ExitStatus status, Duration within) {
  plan(key, within, [this, key, status](SimulatedWorker& worker) {
    const bool held_up = worker.stalled && status.signal == 0;  // a stopped process does not exit by itself
    if (held_up) return;
    const auto heirs = worker.heirs;
    workers_.erase(key);
    tell_(Exited{key, status, ""});
    for (const WorkerKey heir : heirs) take_over(heir);
  });
}

void SimulatedWorkers::open_slots(unsigned count) {
  for (unsigned slot = 0; slot < count; ++slot) {
    if (open_.insert(static_cast<Slot>(slot)).second) ++lives_[static_cast<Slot>(slot)];
  }
}

}  // namespace wsd::master
