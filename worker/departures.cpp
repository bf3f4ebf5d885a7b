#include "worker/departures.h"

#include <algorithm>
#include <random>
#include <utility>

#include "protocol/close_code.h"
#include "worker/log.h"

namespace wsd::worker {

namespace {

// Idle clients first, the longest idle before the others.
bool goes_before(const ClientConnection* one, const ClientConnection* other) {
  if (one->is_idle() != other->is_idle()) return one->is_idle();
  return one->last_message_ms() < other->last_message_ms();
}

}  // namespace

void Departures::drain(std::uint16_t close_code, std::uint64_t now_ms, std::uint64_t window_ms) {
  std::vector<const ClientConnection*> order;
  for (const ClientConnection& connection : connections_) order.push_back(&connection);
  std::sort(order.begin(), order.end(), goes_before);
  std::vector<ConnectionId> ids;
  for (const ClientConnection* connection : order) ids.push_back(connection->id());
  plan_.emplace(ids, now_ms, window_ms, seed_);
  close_code_ = close_code;
  if (!ids.empty()) log::info("draining {} connections over {} ms", ids.size(), window_ms);
}

void Departures::end_relay(std::uint32_t relay, std::uint64_t now_ms, std::uint64_t window_ms) {
  std::minstd_rand random(seed_);
  std::uniform_int_distribution<std::uint64_t> jitter_ms(0, window_ms);
  for (const ConnectionId id : relays_.connections_of(relay)) relays_.hasten(id, now_ms + jitter_ms(random));
}

void Departures::handle_due(std::uint64_t now_ms) {
  drain_due(now_ms);
  end_relays_due(now_ms);
}

void Departures::drain_due(std::uint64_t now_ms) {
  if (!plan_) return;
  for (const ConnectionId id : plan_->take_due(now_ms)) {
    if (!part_with(id, close_code_)) plan_->postpone(id);
  }
}

void Departures::end_relays_due(std::uint64_t now_ms) {
  std::vector<ConnectionId> due = std::exchange(postponed_ends_, {});
  for (const ConnectionId id : relays_.take_due(now_ms)) due.push_back(id);
  for (const ConnectionId id : due) {
    if (!part_with(id, protocol::close_code::service_restart)) postponed_ends_.push_back(id);
  }
}

bool Departures::part_with(ConnectionId id, std::uint16_t close_code) {
  ClientConnection* const found = connections_.find(id);
  if (found == nullptr) return true;
  if (found->is_open() && !found->is_idle()) return false;
  found->say_goodbye(close_code);
  return true;
}

}  // namespace wsd::worker
