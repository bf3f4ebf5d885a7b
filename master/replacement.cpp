#include "master/replacement.h"

namespace wsd::master {

void Replacement::begin(SlotTable& slots, Turn& turn) {
  const WorkerRecord* current = slots.current(slot_);
  const bool came_by_respawn = current != nullptr && current->generation == generation_ && current->staying();
  successor_ = came_by_respawn ? current->key : slots.spawn(slot_, generation_, turn).key;
  state_ = came_by_respawn && current->ready() ? State::done : State::starting;
}

void Replacement::successor_is_ready(SlotTable& slots, Turn& turn) {
  WorkerRecord& successor = *slots.crew().find(*successor_);
  WorkerRecord* predecessor = slots.current(slot_);
  const bool has_clients = predecessor != nullptr && predecessor->ready() && predecessor->staying();
  if (has_clients && predecessor != &successor) {
    slots.crew().hand_over(*predecessor, successor, turn);
    state_ = State::handing_over;
    return;
  }
  if (successor.successor) turn.act(BeginToServe{successor.key});
  took_over(slots, turn);
}

void Replacement::took_over(SlotTable& slots, Turn& turn) {
  slots.promote(*slots.crew().find(*successor_), turn);
  state_ = State::done;
}

// It gets no clients, and would compete for new ones.
void Replacement::send_successor_away(SlotTable& slots, Turn& turn) {
  if (WorkerRecord* successor = slots.crew().find(*successor_)) slots.crew().leave(*successor, turn);
}

void Replacement::successor_failed(const SupervisorSettings& settings, Turn& turn) {
  ++failures_;
  successor_.reset();
  state_ = State::waiting;
  retry_at_ = turn.now + backoff_.after_failed_start(settings);
}

void Replacement::predecessor_died(SlotTable& slots, Turn& turn) {
  slots.vacate(slot_, successor_);
  // It may have its clients already; if not, it would wait for them for ever.
  if (state_ == State::handing_over) turn.act(BeginToServe{*successor_});
}

void Replacement::retry_when_due(SlotTable& slots, Turn& turn) {
  if (!retry_at_ || turn.now < *retry_at_) return;
  retry_at_.reset();
  begin(slots, turn);
}

}  // namespace wsd::master
