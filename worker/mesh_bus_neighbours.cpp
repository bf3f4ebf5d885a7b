// Who is there: links that come and end, what a new neighbour is told, and when all have told what they have to.

#include <algorithm>
#include <utility>

#include "worker/bus_records.h"
#include "worker/connection_id.h"
#include "worker/mesh_bus.h"

namespace wsd::worker {

using protocol::RecordReader;

std::unique_ptr<BusLink> MeshBus::make_link(Slot slot, FileDescriptor socket) {
  return std::make_unique<BusLink>(
      poller_, std::move(socket), read_buffer_, [this, slot](const RecordReader& record) { handle(slot, record); },
      [this, slot] { handle_link_end(slot); });
}

void MeshBus::add_link(Slot slot, FileDescriptor socket) {
  if (slot == self_ || handed_over_) return;
  // The order may be here before its predecessor's last words are read.
  if (is_there(slot)) peers_.at(slot).link->drain();
  forget_neighbour(slot);
  peers_[slot].link = make_link(slot, std::move(socket));
  interest_.expect(slot);
  due_links_.erase(slot);
  introduce_ourselves(slot);
}

// All that a worker which knows nothing needs to know of us.
void MeshBus::introduce_ourselves(Slot slot) {
  send(slot, homes_record(homes_));
  client_.for_each_channel([&](std::string_view channel, std::size_t) { send(slot, interest_record(channel, true)); });
  client_.for_each_member([&](const BusClient::LocalMember& member) {
    if (home_of(member.channel) != slot) return;
    if (member.joined) send(slot, rejoin_record(member.channel, member.id, member.name));
    if (member.question != 0)
      send(slot, join_record(member.channel, member.id, member.asked_name, member.question, homes_));
  });
  for (const KeptPublication& publication : peers_.at(slot).outbox) send(slot, sequence_record(publication));
  send(slot, bus_record(BusWord::synced));
}

// Called by the link itself, which stays until another takes its place.
void MeshBus::handle_link_end(Slot slot) {
  forget_neighbour(slot);
  take_step();
}

void MeshBus::forget_neighbour(Slot slot) {
  peers_[slot].homes = 0;
  interest_.remove_slot(slot);
  home_role_.drop_slot(slot);
  // Whoever wanted to join is gone. What was published is not.
  std::erase_if(deferred_, [slot](const Deferred& deferred) {
    const auto word = RecordReader::parse(deferred.record)->type();
    return deferred.from == slot && word != static_cast<std::uint16_t>(BusWord::sequence);
  });
  take_back_moving(slot);
  release_held();
}

bool MeshBus::is_in_step(Slot slot) const {
  if (due_links_.contains(slot)) return false;
  const auto peer = peers_.find(slot);
  return peer == peers_.end() || !peer->second.is_there() || (interest_.has_told(slot) && peer->second.homes == homes_);
}

bool MeshBus::all_are_in_step() const {
  return due_links_.empty() &&
         std::ranges::all_of(peers_, [this](const auto& entry) { return is_in_step(entry.first); });
}

void MeshBus::take_step() {
  release_early();
  settle_if_all_are_in_step();
  drop_suspects();
}

// Whoever was late has named its members before it took the step.
void MeshBus::drop_suspects() {
  if (settled_) home_role_.drop_suspects([this](Slot slot) { return !is_in_step(slot); });
}

bool MeshBus::is_behind() const {
  return std::ranges::any_of(
      peers_, [this](const auto& entry) { return entry.second.homes != 0 && entry.second.homes < homes_; });
}

void MeshBus::complete(std::uint32_t homes, std::set<Slot> due_links) {
  due_links_ = std::move(due_links);
  if (homes != homes_ && homes > 0) change_homes(homes);
  if (!std::exchange(complete_, true)) await_settlement();
  drop_suspects();
}

void MeshBus::when_settled(std::function<void()> tell) {
  if (settled_) return tell();
  on_settled_ = std::move(tell);
}

void MeshBus::await_settlement() {
  settled_ = false;
  uv_timer_start(
      settle_deadline_.get(), [](uv_timer_t* timer) { static_cast<MeshBus*>(timer->data)->settle(); },
      settle_patience_ms_, 0);
  settle_if_all_are_in_step();
}

void MeshBus::settle_if_all_are_in_step() {
  if (complete_ && !settled_ && all_are_in_step()) settle();
}

void MeshBus::settle() {
  settled_ = is_on_bus_ = true;
  uv_timer_stop(settle_deadline_.get());
  const auto has_asked = [this](std::string_view channel, ConnectionId id) {
    return std::ranges::any_of(deferred_, [&](const Deferred& deferred) {
      const auto record = RecordReader::parse(deferred.record);
      return record->type() == static_cast<std::uint16_t>(BusWord::join) &&
             number(*record, BusField::connection) == id && text(*record, BusField::channel) == channel;
    });
  };
  home_role_.drop_unnamed(has_asked, [this](Slot slot) { return !is_in_step(slot); });
  home_role_.take_named([this](std::string_view channel) { return home_of(channel) == self_; });
  if (!is_behind()) home_role_.forget_named();
  for (const Deferred& deferred : std::exchange(deferred_, {})) {
    handle_request(deferred.from, *RecordReader::parse(deferred.record));
  }
  drop_suspects();
  if (on_settled_) std::exchange(on_settled_, {})();
}

}  // namespace wsd::worker
