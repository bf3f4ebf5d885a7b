// How the bus of one worker becomes that of its successor: the links as they are, in the middle of a record or not, and
// all that has been learned by them. The neighbours notice nothing.

#include <algorithm>
#include <iterator>
#include <utility>

#include "worker/bus_records.h"
#include "worker/mesh_bus.h"
#include "worker/record_stream.h"

namespace wsd::worker {

using protocol::RecordReader;
using protocol::RecordWriter;

namespace {

// Record types and fields of the state; on the wire between releases: never reuse a number. Records of bus_protocol.h
// stand among them as they are: home_state, and what is deferred.
enum class StateWord : std::uint16_t {
  general = 401,
  peer = 402,         // then what belongs to it: unacknowledged
  unacked = 403,      // a publication of the outbox of `slot`
  interest = 404,     // of `slot`: channels
  delivered = 405,    // slot, origin, number
  held = 406,         // a publication that waits for its channel to move
  deferred = 407,     // slot, record
  early = 408,        // likewise
  given = 409,        // channels that came from another home, whose members are not all named
  unpublished = 410,  // a publication that waits for us to be on the bus
  suspect = 411,      // a member that may have left: channel, connection
};

enum class StateField : protocol::Tag {
  homes = 101,
  complete = 102,
  settled = 103,
  slot = 104,
  has_link = 105,
  unread = 106,
  unsent = 107,
  synced = 108,
  passed_on = 109,
  acknowledged = 110,
  channel = 111,
  origin = 112,
  number = 113,
  record = 114,
  connection = 115,
};

constexpr protocol::Tag tag(StateField field) {
  return static_cast<protocol::Tag>(field);
}

RecordWriter state_record(StateWord word) {
  return RecordWriter(static_cast<std::uint16_t>(word));
}

std::uint64_t number_in(const RecordReader& record, StateField field) {
  return record.number(tag(field)).value_or(0);
}

std::span<const std::byte> bytes_in(const RecordReader& record, StateField field) {
  return std::as_bytes(std::span(record.find(tag(field)).value_or("")));
}

// Nothing if the stream does not begin with a whole record.
std::optional<RecordReader> read_record(std::span<const std::byte>& stream) {
  const auto record = take_record(stream);
  return record ? RecordReader::parse(*record) : std::nullopt;
}

bool are_whole(std::span<const std::byte> records) {
  while (!records.empty()) {
    if (!read_record(records)) return false;
  }
  return true;
}

}  // namespace

MeshBus::State MeshBus::save() const {
  State state;
  RecordWriter general = state_record(StateWord::general);
  general.add_number(tag(StateField::homes), homes_);
  general.add_number(tag(StateField::complete), complete_ ? 1 : 0);
  general.add_number(tag(StateField::settled), settled_ ? 1 : 0);
  append_record(state.records, general.bytes());

  for (const auto& [slot, peer] : peers_) {
    RecordWriter record = state_record(StateWord::peer);
    record.add_number(tag(StateField::slot), slot);
    record.add_number(tag(StateField::synced), peer.is_there() && interest_.has_told(slot) ? 1 : 0);
    record.add_number(tag(StateField::homes), peer.homes);
    record.add_number(tag(StateField::passed_on), peer.passed_on);
    record.add_number(tag(StateField::acknowledged), peer.acknowledged);
    if (peer.is_there()) {
      record.add_number(tag(StateField::has_link), 1);
      record.add(tag(StateField::unread), peer.link->unread());
      record.add(tag(StateField::unsent), peer.link->unsent());
      state.links.push_back(peer.link->descriptor());
    }
    append_record(state.records, record.bytes());
    for (const KeptPublication& publication : peer.outbox) {
      RecordWriter unacked = state_record(StateWord::unacked);
      unacked.add_number(tag(StateField::slot), slot);
      add_kept(unacked, publication);
      append_record(state.records, unacked.bytes());
    }
  }

  std::map<Slot, RecordWriter> interest;
  interest_.for_each([&](const std::string& channel, const InterestTable::Slots& slots) {
    for (const Slot slot : slots) {
      auto found = interest.find(slot);
      if (found == interest.end()) {
        found = interest.emplace(slot, state_record(StateWord::interest)).first;
        found->second.add_number(tag(StateField::slot), slot);
      }
      found->second.add(tag(StateField::channel), channel);
    }
  });
  for (const auto& [slot, record] : interest) append_record(state.records, record.bytes());

  for (const auto& [way, number] : delivered_) {
    RecordWriter record = state_record(StateWord::delivered);
    record.add_number(tag(StateField::slot), way.first);
    record.add_number(tag(StateField::origin), way.second);
    record.add_number(tag(StateField::number), number);
    append_record(state.records, record.bytes());
  }
  home_role_.for_each_state(
      [&](const std::string&, const RecordWriter& record) { append_record(state.records, record.bytes()); });
  for (const auto& [channel, publications] : held_) {
    for (const KeptPublication& publication : publications) {
      RecordWriter record = state_record(StateWord::held);
      add_kept(record, publication);
      append_record(state.records, record.bytes());
    }
  }
  for (const Unpublished& waiting : unpublished_) {
    RecordWriter record = state_record(StateWord::unpublished);
    add_kept(record, waiting.publication);
    append_record(state.records, record.bytes());
  }
  const auto append_waiting = [&state](StateWord word, const Deferred& waiting) {
    RecordWriter record = state_record(word);
    record.add_number(tag(StateField::slot), waiting.from);
    record.add(tag(StateField::record), waiting.record);
    append_record(state.records, record.bytes());
  };
  for (const Deferred& deferred : deferred_) append_waiting(StateWord::deferred, deferred);
  for (const Deferred& early : early_) append_waiting(StateWord::early, early);
  RecordWriter given = state_record(StateWord::given);
  for (const std::string& channel : home_role_.given()) given.add(tag(StateField::channel), channel);
  append_record(state.records, given.bytes());
  home_role_.for_each_suspect([&](const std::string& channel, ConnectionId id) {
    RecordWriter record = state_record(StateWord::suspect);
    record.add(tag(StateField::channel), channel);
    record.add_number(tag(StateField::connection), id);
    append_record(state.records, record.bytes());
  });
  home_role_.for_each_named([&](const std::string& channel, ConnectionId id, const std::string& name) {
    RecordWriter record = bus_record(BusWord::rejoin);
    record.add(tag(BusField::channel), channel);
    record.add_number(tag(BusField::connection), id);
    record.add(tag(BusField::name), name);
    append_record(state.records, record.bytes());
  });
  return state;
}

bool MeshBus::restore(std::span<const std::byte> records, std::vector<FileDescriptor> links) {
  if (!are_whole(records)) return false;
  bool was_settled = false;
  std::vector<Unpublished> unpublished;
  auto next_link = links.begin();
  while (const auto record = read_record(records)) {
    const auto slot = static_cast<Slot>(number_in(*record, StateField::slot));
    switch (static_cast<StateWord>(record->type())) {
      case StateWord::general:
        homes_ = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(number_in(*record, StateField::homes)));
        complete_ = number_in(*record, StateField::complete) != 0;
        was_settled = number_in(*record, StateField::settled) != 0;
        break;
      case StateWord::peer: {
        Peer& peer = peers_[slot];
        peer.homes = static_cast<std::uint32_t>(number_in(*record, StateField::homes));
        peer.passed_on = number_in(*record, StateField::passed_on);
        peer.acknowledged = number_in(*record, StateField::acknowledged);
        if (number_in(*record, StateField::has_link) == 0 || next_link == links.end()) break;
        peer.link = make_link(slot, std::move(*next_link++));
        if (number_in(*record, StateField::synced) == 0) interest_.expect(slot);
        peer.link->restore(bytes_in(*record, StateField::unread), bytes_in(*record, StateField::unsent));
        break;
      }
      case StateWord::unacked:
        peers_[slot].outbox.add(read_kept(*record));
        break;
      case StateWord::interest:
        for (const std::string_view channel : record->find_all(tag(StateField::channel))) interest_.add(channel, slot);
        break;
      case StateWord::delivered:
        delivered_[{slot, static_cast<Slot>(number_in(*record, StateField::origin))}] =
            number_in(*record, StateField::number);
        break;
      case StateWord::held: {
        KeptPublication publication = read_kept(*record);
        held_[publication.channel].push_back(std::move(publication));
        break;
      }
      case StateWord::unpublished:
        unpublished.push_back({read_kept(*record), {}});
        break;
      case StateWord::given:
        for (const std::string_view channel : record->find_all(tag(StateField::channel)))
          home_role_.note_given(channel);
        break;
      case StateWord::suspect:
        home_role_.suspect(record->find(tag(StateField::channel)).value_or(""),
                           number_in(*record, StateField::connection));
        break;
      case StateWord::deferred:
      case StateWord::early: {
        const auto bytes = bytes_in(*record, StateField::record);
        if (!RecordReader::parse(bytes)) break;
        Deferred waiting{slot, {bytes.begin(), bytes.end()}};
        if (record->type() == static_cast<std::uint16_t>(StateWord::early)) {
          early_.push_back(std::move(waiting));
        } else {
          deferred_.push_back(std::move(waiting));
        }
        break;
      }
      default:
        if (record->type() == static_cast<std::uint16_t>(BusWord::home_state)) {
          home_role_.take_state(*record);
        }
        if (record->type() == static_cast<std::uint16_t>(BusWord::rejoin)) home_role_.handle_rejoin(*record);
    }
  }
  // Before what our own application has published meanwhile.
  std::ranges::move(unpublished_, std::back_inserter(unpublished));
  unpublished_ = std::move(unpublished);
  hold_back_moving();  // channels that are held, and nothing of them yet
  has_output_ = true;
  settled_ = is_on_bus_ = was_settled;
  release_held();
  if (complete_ && !settled_) await_settlement();
  return true;
}

void MeshBus::hand_over() {
  handed_over_ = true;
  peers_.clear();
  inbox_.clear();
  deferred_.clear();
  early_.clear();
  unpublished_.clear();
  home_role_.hand_over();
  uv_timer_stop(settle_deadline_.get());
}

}  // namespace wsd::worker
