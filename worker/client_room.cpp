#include "worker/client_room.h"

#include <algorithm>
#include <utility>

#include "worker/log.h"

namespace wsd::worker {

namespace {

// How many of the descriptors in reserve may be busy with saying 503.
constexpr std::size_t refusals_at_once = 32;
// How many heartbeats pass before a worker that ran out of descriptors tries again.
constexpr unsigned beats_of_rest = 10;

}  // namespace

ClientRoom::ClientRoom(const Limits& limits, ServedSockets& sockets, MasterLink& master, std::function<Use()> use)
    : sockets_(sockets),
      master_(master),
      use_(std::move(use)),
      max_connections_(connections_allowed(limits)),
      max_descriptors_(connections_allowed(Limits{})) {}

bool ClientRoom::has_place() const {
  return has_room(is_free() ? 0 : refusals_at_once);
}

bool ClientRoom::has_room(std::size_t more) const {
  const Use use = use_();
  return use.clients < max_connections_ + more && use.descriptors < max_descriptors_ + more;
}

// Not at the limit only, or one who comes and goes would make us tell of it again and again.
bool ClientRoom::has_room_again() const {
  const auto enough = [](std::size_t limit) { return limit - std::max<std::size_t>(1, limit / 20); };
  const Use use = use_();
  return use.clients <= enough(max_connections_) && use.descriptors <= enough(max_descriptors_);
}

void ClientRoom::become_exhausted() {
  beats_to_rest_ = beats_of_rest;
  become_full();
}

void ClientRoom::become_full() {
  sockets_.pause();
  if (!is_free()) return;
  state_ = State::full;
  const std::size_t clients = use_().clients;
  const bool by_option = max_connections_ < max_descriptors_ && clients >= max_connections_;
  log::stranger(log::Level::warning, "being full", "full at {} connections: raise {} or --count", clients,
                by_option ? "--max-connections" : "the descriptor limit (LimitNOFILE, ulimit -n)");
  master_.report(WorkerReport::full);
}

void ClientRoom::become_closed() {
  if (std::exchange(closed_, true)) return;
  sockets_.pause();
  if (!is_free()) return;
  state_ = State::full;
  master_.report(WorkerReport::full);
}

// Orders about being full that arrive when it is over are late, and mean nothing any more.
void ClientRoom::obey(State ordered) {
  if (is_free()) return;
  state_ = ordered;
  if (is_full()) return sockets_.pause();
  sockets_.resume();
}

void ClientRoom::look_again() {
  if (is_free()) return;
  if (beats_to_rest_ > 0) {
    --beats_to_rest_;
    return;
  }
  if (has_room_again() && !closed_) {
    state_ = State::free;
    log::stranger(log::Level::info, "having room again", "has room again at {} connections", use_().clients);
    master_.report(WorkerReport::has_room);
    sockets_.resume();
  } else if (state_ == State::refusing && has_place()) {
    sockets_.resume();
  }
}

}  // namespace wsd::worker
