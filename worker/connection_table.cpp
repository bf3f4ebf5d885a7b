#include "worker/connection_table.h"

#include <bit>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

constexpr std::size_t first_size = 64;

}  // namespace

ClientConnection& ConnectionTable::add(std::unique_ptr<ClientConnection> connection) {
  if (size_ + 1 > places_.size() / 8 * 7) grow();
  ClientConnection& added = *connection;
  put(std::move(connection));
  ++size_;
  if (!added.is_movable()) ++unmovable_;
  return added;
}

ClientConnection* ConnectionTable::find(ConnectionId id) const {
  const std::size_t place = place_of(id);
  return place == none ? nullptr : places_[place].get();
}

ClientConnection& ConnectionTable::at(ConnectionId id) const {
  ClientConnection* const found = find(id);
  WSD_ASSERT(found != nullptr);
  return *found;
}

void ConnectionTable::erase(ConnectionId id) {
  std::size_t free = place_of(id);
  if (free == none) return;
  const Place gone = std::move(places_[free]);
  --size_;
  if (!gone->is_movable()) --unmovable_;
  // Those behind it move up, unless that would take them before their home.
  for (std::size_t place = after(free); places_[place] != nullptr; place = after(place)) {
    const std::size_t mask = places_.size() - 1;
    const std::size_t way = (place - home_of(places_[place]->id())) & mask;
    if (way < ((place - free) & mask)) continue;
    places_[free] = std::move(places_[place]);
    free = place;
  }
}

void ConnectionTable::clear() {
  size_ = 0;
  unmovable_ = 0;
  const auto gone = std::exchange(places_, {});
}

// Ids of one worker are consecutive numbers: multiplied by 2^64 over the golden ratio, their high bits spread evenly.
std::size_t ConnectionTable::home_of(ConnectionId id) const {
  const int bits = std::countr_zero(places_.size());
  return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15U) >> (64 - bits));
}

std::size_t ConnectionTable::place_of(ConnectionId id) const {
  if (places_.empty()) return none;
  std::size_t place = home_of(id);
  while (places_[place] != nullptr && places_[place]->id() != id) place = after(place);
  return places_[place] == nullptr ? none : place;
}

void ConnectionTable::put(std::unique_ptr<ClientConnection> connection) {
  std::size_t place = home_of(connection->id());
  while (places_[place] != nullptr) place = after(place);
  places_[place] = std::move(connection);
}

void ConnectionTable::grow() {
  auto old = std::exchange(places_, std::vector<Place>(places_.empty() ? first_size : places_.size() * 2));
  for (Place& connection : old) {
    if (connection != nullptr) put(std::move(connection));
  }
}

}  // namespace wsd::worker
