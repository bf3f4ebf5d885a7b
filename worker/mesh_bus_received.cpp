// What comes over the bus, and what is done about it.

#include <utility>

#include "worker/bus_records.h"
#include "worker/connection_id.h"
#include "worker/mesh_bus.h"

namespace wsd::worker {

using protocol::RecordReader;
using protocol::RecordWriter;

namespace {

constexpr std::size_t max_listed_channels = 10'000;

}  // namespace

void MeshBus::handle(Slot from, const RecordReader& record) {
  const auto word = static_cast<BusWord>(record.type());
  switch (word) {
    case BusWord::interest: {
      const std::string_view channel = text(record, BusField::channel);
      if (number(record, BusField::on) != 0) {
        interest_.add(channel, from);
      } else {
        interest_.remove(channel, from);
      }
      return home_role_.note_interest(channel, uv_now(loop_.get()));
    }
    case BusWord::synced:
      interest_.note_told(from);
      return take_step();
    case BusWord::homes_changed:
      peers_[from].homes = static_cast<std::uint32_t>(number(record, BusField::homes));
      return take_step();
    case BusWord::home_state:
      return handle_state(record);
    case BusWord::sequence:
    case BusWord::join:
    case BusWord::rejoin:
    case BusWord::leave:
      return handle_request(from, record);
    case BusWord::publish:
      return handle_publish(from, record);
    case BusWord::ack:
      peers_[from].outbox.acknowledge(number(record, BusField::number));
      return release_held();
    case BusWord::moved:
      return handle_moved(from, record);
    case BusWord::sequenced:
      if (!note_sequenced(from, record)) return;
      [[fallthrough]];
    case BusWord::join_answer:
    case BusWord::member_joined:
    case BusWord::member_left:
    case BusWord::members:
      return take_told(from, record);
    case BusWord::send:
      return handle_send(from, record);
    case BusWord::close:
      return handle_close(from, record);
    case BusWord::ask_count:
    case BusWord::ask_members:
    case BusWord::ask_list:
    case BusWord::ask_connection:
      return handle_ask(from, word, record);
    case BusWord::answer:
      return questions_.answer(number(record, BusField::question), record);
    case BusWord::expect:
      return questions_.expect(number(record, BusField::question), number(record, BusField::slots));
  }
  // A word of the next release, which we are about to be replaced by.
}

// What only a channel's home can do.
void MeshBus::handle_request(Slot from, const RecordReader& record) {
  const auto word = static_cast<BusWord>(record.type());
  const std::string_view channel = text(record, BusField::channel);
  const bool is_ours = home_of(channel) == self_;
  if (word == BusWord::rejoin) {
    // One that goes by fewer homes may know before us that it is ours.
    if (is_ours || number(record, BusField::homes) < homes_) home_role_.handle_rejoin(record);
    return;
  }
  // One that goes by fewer homes has heard of the change before us. What it wants to join it says before all else.
  const auto is_fewer = [this](std::uint64_t homes) { return homes != 0 && homes < homes_; };
  const bool is_ahead = from != self_ && (is_fewer(peers_[from].homes) || is_fewer(number(record, BusField::homes)));
  if (is_ahead || (is_ours && !settled_)) {
    deferred_.push_back({from, {record.bytes().begin(), record.bytes().end()}});
    return;
  }
  if (word == BusWord::sequence) return handle_sequence(from, record);
  // Where it has moved, the slot will say anew to the new home who is a member, and who wants to be.
  if (!is_ours) return;
  if (word == BusWord::join) return home_role_.handle_join(from, record);
  home_role_.handle_leave(record);
}

// False if its home's predecessor has told us already.
bool MeshBus::note_sequenced(Slot from, const RecordReader& record) {
  const auto origin = static_cast<Slot>(number(record, BusField::origin));
  std::uint64_t& last = delivered_[{from, origin}];
  const std::uint64_t its_number = number(record, BusField::number);
  if (its_number > last) {
    last = its_number;
    return true;
  }
  RecordWriter count = bus_record(BusWord::answer);
  count.add_number(tag(BusField::count), 0);
  answer(origin, record, count);
  return false;
}

void MeshBus::take_told(Slot from, const RecordReader& record) {
  if (!may_be_overtaking(from, text(record, BusField::channel))) return handle_told(record);
  early_.push_back({from, {record.bytes().begin(), record.bytes().end()}});
}

void MeshBus::handle_told(const RecordReader& record) {
  const auto word = static_cast<BusWord>(record.type());
  if (word == BusWord::sequenced) return handle_sequenced(record);
  if (word == BusWord::join_answer) return handle_join_answer(record);
  handle_member(word, record);
}

void MeshBus::handle_sequence(Slot from, const RecordReader& record) {
  const std::uint64_t its_number = number(record, BusField::number);
  if (home_of(text(record, BusField::channel)) != self_) {
    RecordWriter moved = bus_record(BusWord::moved);
    moved.add_number(tag(BusField::number), its_number);
    return send(from, moved);
  }
  if (from != self_) {
    Peer& origin = peers_[from];
    if (its_number <= origin.passed_on) return;
    origin.passed_on = its_number;
    has_output_ = true;
  }
  home_role_.handle_sequence(from, record);
}

void MeshBus::handle_state(const RecordReader& record) {
  const std::string_view channel = text(record, BusField::channel);
  // Not ours: the giver goes by fewer homes than we have heard of yet, or by more than there are by now.
  const Slot home = home_of(channel);
  if (home != self_ && number(record, BusField::homes) >= homes_) return send(home, record.bytes());
  // It is late where we are settled as its home, and whoever has taken the step with us has named its members already.
  const bool is_late = home == self_ && settled_;
  if (is_late) return home_role_.take_late_state(record, [this](Slot slot) { return !is_in_step(slot); });
  home_role_.take_state(record);
  home_role_.note_given(channel);
}

void MeshBus::handle_publish(Slot from, const RecordReader& record) {
  std::vector<ConnectionId> excluded;
  const std::size_t taken = deliver(read_publication(record, excluded));
  RecordWriter count = bus_record(BusWord::answer);
  count.add_number(tag(BusField::count), taken);
  answer(from, record, count);
}

void MeshBus::handle_sequenced(const RecordReader& record) {
  std::vector<ConnectionId> excluded;
  const std::size_t taken = deliver(read_publication(record, excluded));
  RecordWriter count = bus_record(BusWord::answer);
  count.add_number(tag(BusField::count), taken);
  answer(static_cast<Slot>(number(record, BusField::origin)), record, count);
}

// If it was asked at all.
void MeshBus::answer(Slot to, const RecordReader& question, RecordWriter& answer) {
  const std::uint64_t id = number(question, BusField::question);
  if (id == 0) return;
  answer.add_number(tag(BusField::question), id);
  send(to, answer);
}

void MeshBus::handle_join_answer(const RecordReader& record) {
  client_.handle_join_answer({.channel = text(record, BusField::channel),
                              .connection = number(record, BusField::connection),
                              .question = number(record, BusField::question),
                              .accepted = number(record, BusField::accepted) != 0,
                              .name = text(record, BusField::name),
                              .members = read_members(record),
                              .member_count = number(record, BusField::count),
                              .history = read_history(record),
                              .history_lost = number(record, BusField::history_lost) != 0});
}

void MeshBus::handle_member(BusWord word, const RecordReader& record) {
  const std::string_view channel = text(record, BusField::channel);
  if (!interest_.is_interested(channel, self_)) return;  // since it was sent the last of ours has gone
  if (word == BusWord::members) return client_.handle_members(channel, read_members(record));
  const Member member{number(record, BusField::connection), text(record, BusField::name)};
  const std::size_t count = number(record, BusField::count);
  if (word == BusWord::member_joined) return client_.handle_member_joined(channel, member, count);
  client_.handle_member_left(channel, member, count);
}

void MeshBus::handle_send(Slot from, const RecordReader& record) {
  const auto type = number(record, BusField::type) == 0 ? MessageType::text : MessageType::binary;
  const auto result = client_.send_here(number(record, BusField::connection), text(record, BusField::data), type);
  RecordWriter told = bus_record(BusWord::answer);
  told.add_number(tag(BusField::found), result ? 1 : 0);
  told.add_number(tag(BusField::result), static_cast<std::uint64_t>(result.value_or(SendResult::dropped)));
  answer(from, record, told);
}

void MeshBus::handle_close(Slot from, const RecordReader& record) {
  const bool found =
      client_.close_here(number(record, BusField::connection),
                         static_cast<std::uint16_t>(number(record, BusField::code)), text(record, BusField::reason));
  RecordWriter told = bus_record(BusWord::answer);
  told.add_number(tag(BusField::found), found ? 1 : 0);
  answer(from, record, told);
}

void MeshBus::handle_ask(Slot from, BusWord word, const RecordReader& record) {
  RecordWriter told = bus_record(BusWord::answer);
  const std::string_view channel = text(record, BusField::channel);
  if (word == BusWord::ask_count) {
    told.add_number(tag(BusField::count), client_.count_subscribers(channel));
  } else if (word == BusWord::ask_members) {
    add_members(told, home_role_.members_of(channel));
  } else if (word == BusWord::ask_connection) {
    add_connection(told, client_.describe_here(number(record, BusField::connection)));
  } else {
    std::size_t listed = 0;
    const std::string_view prefix = text(record, BusField::name);
    client_.for_each_channel([&](std::string_view name, std::size_t subscribers) {
      if (subscribers == 0 || !name.starts_with(prefix) || ++listed > max_listed_channels) return;
      told.add(tag(BusField::listed_name), name);
      told.add_number(tag(BusField::listed_count), subscribers);
    });
    told.add_number(tag(BusField::partial), listed > max_listed_channels ? 1 : 0);
  }
  answer(from, record, told);
}

}  // namespace wsd::worker
