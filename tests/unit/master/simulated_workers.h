// The world around a supervisor: processes that start, serve, stall, fill up, crash, and obey their orders or not. They
// live by a seeded chance, so that the same seed lives the same life.
//
// It knows the truth that the supervisor can only infer: who really has a copy of which socket. Owned by the
// simulation.

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "master/supervision.h"

namespace wsd::master {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}

  // A whole number from `low` to `high`.
  unsigned number(unsigned low, unsigned high) { return low + static_cast<unsigned>(engine_() % (high - low + 1)); }
  bool percent(unsigned probability) { return number(0, 99) < probability; }
  // Small times are as likely as large ones, by magnitude: both races and deadlines are met.
  Duration time_up_to(Duration longest);

 private:
  std::mt19937_64 engine_;
};

// What is to happen when, in order; what is due at the same time happens in the order it was planned.
class Agenda {
 public:
  void plan(TimePoint when, std::function<void()> what) { entries_.emplace(when, std::move(what)); }
  [[nodiscard]] std::optional<TimePoint> next() const;
  void run_next();

 private:
  std::multimap<TimePoint, std::function<void()>> entries_;
};

// One listening socket in the life of its slot: a slot that retired and opened again has another.
struct Socket {
  Slot slot;
  unsigned life;
  auto operator<=>(const Socket&) const = default;
};

struct SimulatedWorker {
  Spawn birth;
  TimePoint born;
  bool ready = false;
  bool stalled = false;
  bool full = false;
  TimePoint stamp;
  std::vector<std::function<void(SimulatedWorker&)>> unread_orders;  // while it is stalled

  std::set<Socket> copies;           // the truth
  std::multiset<Socket> on_the_way;  // copies that it was sent and has not received yet
  std::set<Slot> assigned;           // what it serves once it has obeyed all orders
  std::optional<TimePoint> drained_at, left_at, aborted_at, killed_at;
  std::set<WorkerKey> heirs;  // who wait for its clients; they are told when it is gone
  bool asked_to_hand_over = false;
  bool has_clients_of_another = false;
  bool relays = false;

  Duration latency;      // between an order and its obedience
  bool obedient = true;  // otherwise it ignores Leave, Drain and SIGABRT
  bool unkillable = false;

  [[nodiscard]] bool sent_off() const { return drained_at || left_at || aborted_at || killed_at; }
};

class SimulatedWorkers {
 public:
  // `tell` takes what the workers tell their master.
  SimulatedWorkers(Chance& chance, Agenda& agenda, const TimePoint& now, std::function<void(Event)> tell)
      : chance_(chance), agenda_(agenda), now_(now), tell_(std::move(tell)) {}

  void obey(const Action& order);
  // Everybody's heartbeat as the scoreboard has it.
  [[nodiscard]] std::vector<Heartbeat> heartbeats();

  [[nodiscard]] const std::map<WorkerKey, SimulatedWorker>& all() const { return workers_; }
  [[nodiscard]] SimulatedWorker* find(WorkerKey key);
  // Some were handed over to a worker that was on its way out.
  [[nodiscard]] bool clients_got_lost() const { return clients_got_lost_; }
  [[nodiscard]] bool is_open(Slot slot) const { return open_.contains(slot); }
  [[nodiscard]] Socket socket_of(Slot slot) const { return {slot, lives_.at(slot)}; }

  // The machine froze and thawed: nobody has beaten meanwhile, whatever the time is.
  void were_frozen_since(TimePoint when) { frozen_since_ = when; }

 private:
  using Order = std::function<void(SimulatedWorker&)>;

  void spawn(const Spawn& birth);
  void plan_start(WorkerKey key);
  void plan_mishap(WorkerKey key);
  void stall(WorkerKey key);
  void wake(WorkerKey key);
  void fill(WorkerKey key);
  void hand_over(const HandOver& order);
  void begin_to_relay(SimulatedWorker& giver, WorkerKey to);
  void end_relay(WorkerKey key);
  void begin_to_serve(WorkerKey key);
  void take_over(WorkerKey key);
  void give_clients(SimulatedWorker& giver, WorkerKey to);
  void serve(const Serve& order);
  void release(const Release& order);
  void drain(WorkerKey key);
  void leave(WorkerKey key);
  void abort(WorkerKey key);
  void kill(WorkerKey key);
  void send(SimulatedWorker& worker, Order order);
  void close_copies(SimulatedWorker& worker, const std::set<Slot>& slots);
  void go(SimulatedWorker& worker, Duration within);
  void die(WorkerKey key, ExitStatus status, Duration within);
  void open_slots(unsigned count);
  bool is_bad(Generation generation);
  bool is_doomed(const SimulatedWorker& worker);
  template <class What>
  void plan(WorkerKey key, Duration within, What what);

  Chance& chance_;
  Agenda& agenda_;
  const TimePoint& now_;
  std::function<void(Event)> tell_;
  std::map<WorkerKey, SimulatedWorker> workers_;
  std::map<Slot, unsigned> lives_;
  std::set<Slot> open_;
  std::map<Generation, bool> bad_generations_;  // their workers seldom start
  std::map<Slot, bool> doomed_slots_;           // respawned workers die there as soon as they serve
  std::optional<TimePoint> frozen_since_;
  bool clients_got_lost_ = false;
};

}  // namespace wsd::master
