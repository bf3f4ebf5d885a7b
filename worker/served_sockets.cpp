#include "worker/served_sockets.h"

#include <limits>
#include <utility>

namespace wsd::worker {

ServedSockets::ServedSockets(Poller& poller, unsigned accepts_per_turn, OnClient on_client,
                             std::function<void()> on_exhausted)
    : poller_(poller),
      accepts_per_turn_(accepts_per_turn),
      on_client_(std::move(on_client)),
      on_exhausted_(std::move(on_exhausted)) {}

void ServedSockets::add(SlotSockets slot, Begin begin) {
  slot.roles.resize(slot.sockets.size());
  Served served{.slot = slot.slot, .listeners = {}};
  for (std::size_t i = 0; i < slot.sockets.size(); ++i) {
    served.listeners.push_back(std::make_unique<Listener>(
        poller_, std::move(slot.sockets[i]), accepts_per_turn_,
        [this, role = slot.roles[i]](Accepted client) { return on_client_(std::move(client), role); },
        [this] { on_exhausted_(); }));
    if (begin == Begin::paused) served.listeners.back()->pause();
  }
  served_.push_back(std::move(served));
}

void ServedSockets::remove(std::uint16_t slot) {
  std::erase_if(served_, [slot](const Served& served) { return served.slot == slot; });
}

std::vector<std::uint16_t> ServedSockets::remove_all() {
  std::vector<std::uint16_t> slots;
  for (const Served& served : std::exchange(served_, {})) slots.push_back(served.slot);
  return slots;
}

void ServedSockets::accept_rest() {
  for (const Served& served : served_) accept_rest(served);
}

void ServedSockets::accept_rest(std::uint16_t slot) {
  for (const Served& served : served_) {
    if (served.slot == slot) accept_rest(served);
  }
}

void ServedSockets::accept_rest(const Served& served) {
  for (const auto& listener : served.listeners) listener->accept_some(std::numeric_limits<unsigned>::max());
}

void ServedSockets::pause() {
  for (const Served& served : served_) {
    for (const auto& listener : served.listeners) listener->pause();
  }
}

void ServedSockets::resume() {
  for (const Served& served : served_) {
    for (const auto& listener : served.listeners) listener->resume();
  }
}

}  // namespace wsd::worker
