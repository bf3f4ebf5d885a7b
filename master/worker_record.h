// What the supervisor knows of one living process: from its Spawn until it is reaped. Kept by the crew (crew.h).

#pragma once

#include <optional>

#include "master/departure.h"
#include "master/socket_copies.h"
#include "master/supervision.h"

namespace wsd::master {

// What a worker is made to go for, unasked.
enum class Fault : std::uint8_t { none, slow_start, silence };

struct WorkerRecord {
  WorkerKey key = 0;
  Slot slot = 0;
  Generation generation = 0;
  TimePoint spawned_at;
  std::optional<TimePoint> ready_at;
  TimePoint last_stamp;  // of its heartbeat, once it is ready
  bool late = false;     // its heartbeat is
  bool full = false;
  bool refusing = false;        // full, and told to answer 503 meanwhile
  bool successor = false;       // spawned beside its predecessor: it serves when it has taken over
  unsigned handoffs_asked = 0;  // orders to give its clients to a successor that it has not answered yet: by its end,
                                // or by saying that it failed
  bool relays = false;          // once it has handed over its clients it stays for the TLS of some
  bool is_relay = false;        // it has, and did
  Fault fault = Fault::none;
  Departure departure;
  SocketCopies copies;

  [[nodiscard]] bool ready() const { return ready_at.has_value(); }
  [[nodiscard]] bool staying() const { return departure.step() == Departure::Step::staying; }
  [[nodiscard]] bool relaying() const { return departure.step() == Departure::Step::relaying; }
  // It serves, and runs: full or not, clients who reach it get an answer.
  [[nodiscard]] bool responsive() const { return ready() && staying() && !late; }
  // It takes new clients.
  [[nodiscard]] bool accepts() const { return responsive() && !full; }

  [[nodiscard]] WorkerState state() const {
    if (relaying()) return WorkerState::relaying;
    if (!staying()) return WorkerState::stopping;
    if (!ready()) return WorkerState::starting;
    return late ? WorkerState::busy : WorkerState::running;
  }
};

}  // namespace wsd::master
