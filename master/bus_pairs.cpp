#include "master/bus_pairs.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/file_descriptor.h"
#include "worker/log.h"
#include "worker/master_protocol.h"

namespace wsd::master {

namespace {

using worker::FileDescriptor;
using worker::MasterField;
using worker::MasterOrder;

// Empty ones where there is no descriptor left; errno says so.
std::pair<FileDescriptor, FileDescriptor> make_link() {
  std::array<int, 2> ends{-1, -1};
  (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data());
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

protocol::RecordWriter bus_link(Slot peer) {
  auto record = worker::record_of(MasterOrder::bus_link);
  record.add_number(tag(MasterField::slot), peer);
  return record;
}

}  // namespace

void BusPairs::adopt(Slot slot, WorkerKey worker) {
  places_[slot] = Place{.worker = worker};
}

void BusPairs::join(Slot slot, WorkerKey worker) {
  Place& place = places_[slot];
  place = Place{.worker = worker};
  for (const auto& [other, theirs] : places_) {
    if (other != slot) link(slot, other);
  }
  tell_homes(slot);
}

void BusPairs::begin_handoff(WorkerKey worker) {
  if (const auto found = find(worker); found != places_.end()) ++found->second.handoffs;
}

// One that serves without a handoff comes to its place by join().
void BusPairs::took_over(Slot slot, WorkerKey successor) {
  const auto found = places_.find(slot);
  if (found == places_.end() || !found->second.is_changing_hands() || found->second.worker == successor) return;
  Place& place = found->second;
  place.worker = successor;
  place.vacant = false;
  place.handoffs = 0;
  give_what_is_due(slot);
}

void BusPairs::handoff_failed(WorkerKey worker) {
  const auto found = find(worker);
  if (found == places_.end() || found->second.handoffs == 0) return;
  if (--found->second.handoffs == 0) give_what_is_due(found->first);
}

void BusPairs::died(WorkerKey worker) {
  const auto found = find(worker);
  if (found == places_.end()) return;
  if (found->second.handoffs > 0) {
    found->second.vacant = true;
  } else {
    places_.erase(found);
  }
}

void BusPairs::limit_homes(unsigned count) {
  if (count >= homes_) return;
  homes_ = count;
  for (const auto& [slot, place] : places_) tell_homes(slot);
}

bool BusPairs::is_on_bus(WorkerKey worker) const {
  return std::ranges::any_of(
      places_, [worker](const auto& entry) { return entry.second.worker == worker && !entry.second.vacant; });
}

void BusPairs::link(Slot one, Slot other) {
  for (const auto& [slot, peer] : {std::pair(one, other), std::pair(other, one)}) {
    Place& place = places_.at(slot);
    if (!place.is_changing_hands()) continue;
    place.due_links.insert(peer);
    return;
  }
  const auto [end_of_one, end_of_other] = make_link();
  if (!end_of_one) {
    return log::error("the workers of slots {} and {} have no link, and hear nothing of each other's channels: {}", one,
                      other, std::strerror(errno));
  }
  order_(places_.at(one).worker, bus_link(other), {end_of_one.get()});
  order_(places_.at(other).worker, bus_link(one), {end_of_other.get()});
}

void BusPairs::give_what_is_due(Slot slot) {
  Place& place = places_.at(slot);
  for (const Slot peer : std::exchange(place.due_links, {})) {
    if (places_.contains(peer)) link(slot, peer);
  }
  if (std::exchange(place.due_homes, false)) tell_homes(slot);
}

// With the links that are due: a home which did not wait for them would pass on nothing to those slots.
void BusPairs::tell_homes(Slot slot) {
  Place& place = places_.at(slot);
  if (place.is_changing_hands()) {
    place.due_homes = true;
    return;
  }
  auto record = worker::record_of(MasterOrder::bus_complete);
  record.add_number(tag(MasterField::homes), homes_);
  for (const auto& [other, theirs] : places_) {
    if (theirs.due_links.contains(slot)) record.add_number(tag(MasterField::slot), other);
  }
  order_(place.worker, record, {});
}

BusPairs::Places::iterator BusPairs::find(WorkerKey worker) {
  return std::ranges::find_if(places_, [worker](const auto& entry) { return entry.second.worker == worker; });
}

}  // namespace wsd::master
