// Another number of homes.
//
// Fewer slots: the channels of those that go find a new home, with all that is known of them. The old home gives them
// away before it says that it goes by the new number, every slot names its members of them, and those who want to be,
// before it says so, and what is published to the old home later is told where to go.

#include <algorithm>
#include <utility>

#include "worker/bus_records.h"
#include "worker/home_slot.h"
#include "worker/mesh_bus.h"

namespace wsd::worker {

using protocol::RecordReader;
using protocol::RecordWriter;

void MeshBus::change_homes(std::uint32_t homes) {
  const std::uint32_t old_homes = std::exchange(homes_, homes);
  give_away_homes();
  const auto for_each_moved = [&](const auto& visit) {
    client_.for_each_member([&](const BusClient::LocalMember& member) {
      const Slot home = home_of(member.channel);
      if (home != home_slot(member.channel, old_homes)) visit(home, member);
    });
  };
  for_each_moved([this](Slot home, const BusClient::LocalMember& member) {
    if (!member.joined) return;
    const RecordWriter record = rejoin_record(member.channel, member.id, member.name);
    if (home != self_) return send(home, record);
    home_role_.handle_rejoin(*RecordReader::parse(record.bytes()));  // at once: we may be settled the same moment
  });
  for_each_moved([this](Slot home, const BusClient::LocalMember& member) {
    if (member.question == 0) return;
    send(home, join_record(member.channel, member.id, member.asked_name, member.question, homes_));
  });
  const RecordWriter record = homes_record(homes);
  for (const auto& [slot, peer] : peers_) send(slot, record);
  hold_back_moving();
  if (complete_) await_settlement();
  release_held();
}

void MeshBus::give_away_homes() {
  std::vector<std::string> gone;
  home_role_.for_each_state([&](const std::string& channel, const RecordWriter& state) {
    if (home_of(channel) == self_) return;
    RecordWriter given = state;
    given.add_number(tag(BusField::homes), homes_);
    send(home_of(channel), given);
    gone.push_back(channel);
  });
  for (const std::string& channel : gone) home_role_.forget(channel);
}

// What the old home has not acknowledged must not be overtaken by what is sent to the new one. Of what we were to put
// in order ourselves there is no copy but the record that waits.
void MeshBus::hold_back_moving() {
  const auto moves = [this](const Deferred& deferred) {
    const auto record = RecordReader::parse(deferred.record);
    if (deferred.from != self_ || record->type() != static_cast<std::uint16_t>(BusWord::sequence)) return false;
    KeptPublication publication = read_kept(*record);
    if (home_of(publication.channel) == self_) return false;
    held_[publication.channel].push_back(std::move(publication));
    return true;
  };
  std::erase_if(inbox_, moves);
  std::erase_if(deferred_, moves);
  for (const auto& [slot, peer] : peers_) {
    if (!peer.is_there()) take_back_moving(slot);
    for (const KeptPublication& publication : peer.outbox) {
      if (home_of(publication.channel) != slot) held_.try_emplace(publication.channel);
    }
  }
}

// What was to be put in order by a worker that is gone, whose slot is not the home any more, goes to the new home.
void MeshBus::take_back_moving(Slot slot) {
  KeptOutbox& outbox = peers_.at(slot).outbox;
  std::vector<std::uint64_t> moving;
  for (const KeptPublication& publication : outbox) {
    if (home_of(publication.channel) != slot) moving.push_back(publication.number);
  }
  for (const std::uint64_t its_number : moving) {
    KeptPublication publication = *outbox.take(its_number);
    held_[publication.channel].push_back(std::move(publication));
  }
}

void MeshBus::handle_moved(Slot from, const RecordReader& record) {
  auto publication = peers_[from].outbox.take(number(record, BusField::number));
  if (publication) held_[publication->channel].push_back(std::move(*publication));
  release_held();
}

// Whether a slot that still goes by more homes than `from` takes itself for the channel's home: what it has said of it
// comes before what the new home says, and may be on its way to us by another link.
bool MeshBus::may_be_overtaking(Slot from, std::string_view channel) const {
  const std::uint32_t its_homes = from == self_ ? homes_ : peers_.at(from).homes;
  return std::ranges::any_of(peers_, [&](const auto& entry) {
    const auto& [slot, peer] = entry;
    return slot != from && peer.homes > its_homes && peer.is_there() && home_slot(channel, peer.homes) == slot;
  });
}

void MeshBus::release_early() {
  for (const Deferred& early : std::exchange(early_, {})) take_told(early.from, *RecordReader::parse(early.record));
}

void MeshBus::release_held() {
  if (held_.empty() || is_behind()) return;
  for (auto next = held_.begin(); next != held_.end();) {
    const auto& channel = next->first;
    const bool is_waiting = std::ranges::any_of(peers_, [&](const auto& entry) {
      return entry.first != home_of(channel) && entry.second.outbox.holds(channel);
    });
    if (is_waiting) {
      ++next;
      continue;
    }
    auto node = held_.extract(next++);
    std::ranges::sort(node.mapped(), {}, &KeptPublication::number);
    for (KeptPublication& publication : node.mapped()) {
      publication.number = ++last_number_;
      send_kept(std::move(publication));
    }
  }
}

}  // namespace wsd::worker
