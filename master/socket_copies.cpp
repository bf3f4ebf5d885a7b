#include "master/socket_copies.h"

#include <utility>

namespace wsd::master {

void SocketCopies::ask_back(Slot slot) {
  const auto copy = copies_.find(slot);
  if (copy == copies_.end() || !std::exchange(copy->second.given, false)) return;
  ++copy->second.asked_back;
}

void SocketCopies::ask_back_all() {
  for (const Slot slot : served()) ask_back(slot);
}

void SocketCopies::closed(Slot slot) {
  const auto copy = copies_.find(slot);
  if (copy == copies_.end()) return;
  auto& [given, asked_back] = copy->second;
  if (asked_back > 0) --asked_back;
  if (asked_back == 0 && !given) copies_.erase(copy);
}

bool SocketCopies::serves(Slot slot) const {
  const auto copy = copies_.find(slot);
  return copy != copies_.end() && copy->second.given;
}

std::vector<Slot> SocketCopies::served() const {
  std::vector<Slot> slots;
  for (const auto& [slot, copy] : copies_) {
    if (copy.given) slots.push_back(slot);
  }
  return slots;
}

}  // namespace wsd::master
