#include "worker/mesh_bus.h"

#include <algorithm>
#include <utility>

#include "protocol/assertion.h"
#include "worker/bus_records.h"
#include "worker/connection_id.h"
#include "worker/home_slot.h"
#include "worker/log.h"

namespace wsd::worker {

using protocol::RecordReader;
using protocol::RecordWriter;

namespace {

// A new worker's neighbours have this long to introduce themselves: one that is stalled must not keep it from serving.
constexpr std::uint64_t settle_patience_ms = 500;
constexpr std::uint64_t sweep_interval_ms = 10'000;
// Acknowledgements wait for neighbours that are this far behind at most: what a home has acknowledged, and not yet
// passed on to somebody, is lost if it dies.
constexpr std::size_t slight_delay = std::size_t{1} << 20;
constexpr std::size_t max_listed_channels = 10'000;

// Numbers and questions of one process are higher than those of all processes before it in its slot.
std::uint64_t first_number(std::uint32_t incarnation) {
  return std::uint64_t{incarnation} << 40;
}

UvHandle<uv_timer_t> make_timer(Loop& loop, void* data) {
  auto timer = make_uv_handle<uv_timer_t>([&](uv_timer_t* handle) { return uv_timer_init(loop.get(), handle); });
  timer->data = data;
  return timer;
}

RecordWriter member_record(BusWord word, std::string_view channel, ConnectionId id, std::string_view name) {
  RecordWriter record = bus_record(word);
  record.add(tag(BusField::channel), channel);
  record.add_number(tag(BusField::connection), id);
  record.add(tag(BusField::name), name);
  return record;
}

RecordWriter join_record(std::string_view channel, ConnectionId id, std::string_view name, std::uint64_t question,
                         std::uint32_t homes) {
  RecordWriter record = member_record(BusWord::join, channel, id, name);
  record.add_number(tag(BusField::question), question);
  record.add_number(tag(BusField::homes), homes);
  return record;
}

RecordWriter sequence_record(const KeptPublication& publication) {
  RecordWriter record = bus_record(BusWord::sequence);
  add_kept(record, publication);
  return record;
}

RecordWriter interest_record(std::string_view channel, bool on) {
  RecordWriter record = bus_record(BusWord::interest);
  record.add(tag(BusField::channel), channel);
  record.add_number(tag(BusField::on), on ? 1 : 0);
  return record;
}

RecordWriter homes_record(std::uint32_t homes) {
  RecordWriter record = bus_record(BusWord::homes_changed);
  record.add_number(tag(BusField::homes), homes);
  return record;
}

}  // namespace

MeshBus::MeshBus(Loop& loop, Poller& poller, BusClient& client, ScoreboardRow& counters,
                 std::span<std::byte> read_buffer, const Place& place)
    : loop_(loop),
      poller_(poller),
      client_(client),
      counters_(counters),
      read_buffer_(read_buffer),
      self_(place.slot),
      max_waiting_(place.max_waiting),
      homes_(place.homes),
      last_number_(first_number(place.incarnation)),
      home_role_(*this, interest_, client),
      questions_(loop, first_number(place.incarnation)),
      settle_deadline_(make_timer(loop, this)),
      sweep_timer_(make_timer(loop, this)) {
  uv_timer_start(
      sweep_timer_.get(),
      [](uv_timer_t* timer) {
        auto* const bus = static_cast<MeshBus*>(timer->data);
        bus->home_role_.sweep(uv_now(bus->loop_.get()));
      },
      sweep_interval_ms, sweep_interval_ms);
}

// ---- sending --------------------------------------------------------------------------------------------------------

void MeshBus::send(Slot slot, std::span<const std::byte> record) {
  if (handed_over_) return;
  if (slot == self_) {
    inbox_.push_back({self_, {record.begin(), record.end()}});
  } else if (is_there(slot)) {
    peers_.at(slot).link->send(record);
    has_output_ = true;
  }
}

bool MeshBus::send_publication(Slot slot, std::span<const std::byte> record) {
  if (slot != self_ && is_there(slot)) {
    const std::size_t waiting = peers_.at(slot).link->waiting();
    if (waiting > 0 && waiting + record.size() > max_waiting_) {
      counters_.bus_dropped.add(1);
      return false;
    }
  }
  send(slot, record);
  return true;
}

bool MeshBus::is_there(Slot slot) const {
  const auto peer = peers_.find(slot);
  return peer != peers_.end() && peer->second.is_there();
}

MeshBus::Slot MeshBus::home_of(std::string_view channel) const {
  return home_slot(channel, homes_);
}

void MeshBus::flush() {
  if (settled_) home_role_.take_named([this](std::string_view channel) { return home_of(channel) == self_; });
  if (!std::exchange(has_output_, false)) return;
  bool somebody_lags = false;
  for (auto& [slot, peer] : peers_) {
    if (!peer.is_there()) continue;
    peer.link->flush();
    const std::size_t waiting = peer.link->waiting();
    somebody_lags |= waiting > 0 && waiting < slight_delay;
  }
  // Not just set: where a link has ended meanwhile, the others are told, and may have had their flush already.
  has_output_ |= somebody_lags;
  if (somebody_lags) return;
  for (auto& [slot, peer] : peers_) {
    if (!peer.is_there() || peer.passed_on == peer.acknowledged) continue;
    RecordWriter ack = bus_record(BusWord::ack);
    ack.add_number(tag(BusField::number), peer.passed_on);
    peer.acknowledged = peer.passed_on;
    peer.link->send(ack.bytes());
    peer.link->flush();
  }
}

void MeshBus::take_inbox() {
  questions_.finish_complete();
  if (is_on_bus_) {
    for (Unpublished& waiting : std::exchange(unpublished_, {})) {
      (void)publish(waiting.publication.view(), std::move(waiting.tell));
    }
  }
  for (const Deferred& deferred : std::exchange(inbox_, {})) {
    handle(deferred.from, *RecordReader::parse(deferred.record));
  }
}

// ---- for the worker: channels ---------------------------------------------------------------------------------------

void MeshBus::set_interest(std::string_view channel, bool interested) {
  if (interested) {
    interest_.add(channel, self_);
  } else {
    interest_.remove(channel, self_);
  }
  const RecordWriter record = interest_record(channel, interested);
  for (const auto& [slot, peer] : peers_) send(slot, record);
  home_role_.note_interest(channel, uv_now(loop_.get()));
}

SendResult MeshBus::publish(const Publication& publication, TellDelivery tell) {
  if (handed_over_) return SendResult::dropped;
  if (!is_on_bus_) {
    unpublished_.push_back({KeptPublication(0, publication, 0), std::move(tell)});
    return SendResult::queued;
  }
  counters_.published.add(1);
  const bool kept = is_kept(client_.options_of(publication.channel));
  if (!tell) return kept ? publish_kept(publication, 0) : publish_plain(publication, 0).result;
  const Questions::Id question = questions_.next_id();
  const auto delivery = std::make_shared<Delivery>();
  const auto take = [delivery](const RecordReader& answer) {
    delivery->subscribers += number(answer, BusField::count);
  };
  const auto finish = [delivery, tell = std::move(tell)](bool partial) {
    delivery->partial |= partial;
    tell(*delivery);
  };
  if (kept) {
    questions_.ask(question, std::nullopt, take, finish);
    return publish_kept(publication, question);
  }
  const Spread spread = publish_plain(publication, question);
  delivery->subscribers = spread.taken_here;
  delivery->partial = spread.result == SendResult::dropped;
  questions_.ask(question, spread.asked, take, finish);
  return spread.result;
}

// Straight to whoever has subscribers; our own get it at once.
MeshBus::Spread MeshBus::publish_plain(const Publication& publication, std::uint64_t question) {
  std::optional<RecordWriter> record;
  const auto write_once = [&] {
    if (record) return record->bytes();
    record = bus_record(BusWord::publish);
    if (question != 0) record->add_number(tag(BusField::question), question);
    add_publication(*record, publication);
    return record->bytes();
  };
  Spread spread;
  for (const Slot slot : interest_.slots_of(publication.channel)) {
    if (slot == self_) {
      spread.taken_here = client_.deliver(publication);
    } else if (is_there(slot)) {
      if (send_publication(slot, write_once())) {
        ++spread.asked;
      } else {
        spread.result = SendResult::dropped;
      }
    }
  }
  return spread;
}

SendResult MeshBus::publish_kept(const Publication& publication, std::uint64_t question) {
  KeptPublication kept(++last_number_, publication, question);
  if (const auto held = held_.find(publication.channel); held != held_.end()) {
    held->second.push_back(std::move(kept));
    return SendResult::queued;
  }
  const Slot home = home_of(publication.channel);
  if (home != self_ && peers_[home].outbox.bytes() + kept.size() > max_waiting_ && !peers_[home].outbox.empty()) {
    counters_.bus_dropped.add(1);
    return SendResult::dropped;
  }
  const bool waits = home != self_ && !is_there(home);
  send_kept(std::move(kept));
  return waits ? SendResult::queued : SendResult::sent;
}

void MeshBus::send_kept(KeptPublication publication) {
  const Slot home = home_of(publication.channel);
  send(home, sequence_record(publication));
  if (home != self_) peers_[home].outbox.add(std::move(publication));
}

std::uint64_t MeshBus::join(std::string_view channel, ConnectionId id, std::string_view name) {
  const std::uint64_t question = questions_.next_id();
  send(home_of(channel), join_record(channel, id, name, question, homes_));
  return question;
}

void MeshBus::rejoin(std::string_view channel, ConnectionId id, std::string_view name) {
  send(home_of(channel), rejoin_record(channel, id, name));
}

RecordWriter MeshBus::rejoin_record(std::string_view channel, ConnectionId id, std::string_view name) const {
  RecordWriter record = member_record(BusWord::rejoin, channel, id, name);
  record.add_number(tag(BusField::homes), homes_);
  return record;
}

void MeshBus::leave(std::string_view channel, ConnectionId id) {
  send(home_of(channel), member_record(BusWord::leave, channel, id, {}));
}

// ---- for the worker: one connection ---------------------------------------------------------------------------------

SendResult MeshBus::send_to(ConnectionId id, std::string_view data, MessageType type, TellOne tell) {
  const Slot slot = slot_of(id);
  if (slot == self_ && !tell) return client_.send_here(id, data, type).value_or(SendResult::dropped);
  const std::uint64_t question = tell ? questions_.next_id() : 0;
  RecordWriter record = bus_record(BusWord::send);
  if (question != 0) record.add_number(tag(BusField::question), question);
  record.add_number(tag(BusField::connection), id);
  record.add_number(tag(BusField::type), type == MessageType::text ? 0 : 1);
  record.add(tag(BusField::data), data);
  const bool has_room = slot == self_ || (is_there(slot) && peers_.at(slot).link->waiting() < max_waiting_);
  if (!has_room) counters_.bus_dropped.add(is_there(slot) ? 1 : 0);
  if (has_room) send(slot, record);
  if (tell) ask_about_one(question, has_room, std::move(tell));
  return has_room ? SendResult::sent : SendResult::dropped;
}

void MeshBus::close_connection(ConnectionId id, std::uint16_t code, std::string_view reason, TellOne tell) {
  const std::uint64_t question = tell ? questions_.next_id() : 0;
  RecordWriter record = bus_record(BusWord::close);
  if (question != 0) record.add_number(tag(BusField::question), question);
  record.add_number(tag(BusField::connection), id);
  record.add_number(tag(BusField::code), code);
  record.add(tag(BusField::reason), reason);
  send(slot_of(id), record);
  if (tell) ask_about_one(question, slot_of(id) == self_ || is_there(slot_of(id)), std::move(tell));
}

void MeshBus::ask_about_one(std::uint64_t question, bool is_asked, TellOne tell) {
  const auto told = std::make_shared<ToldOne>();
  const auto take = [told](const RecordReader& answer) {
    told->found = number(answer, BusField::found) != 0;
    told->result = static_cast<SendResult>(number(answer, BusField::result));
  };
  const auto finish = [told, tell = std::move(tell)](bool partial) {
    told->partial = partial;
    tell(*told);
  };
  questions_.ask(question, is_asked ? 1 : 0, take, finish);
}

// ---- for the worker: questions --------------------------------------------------------------------------------------

void MeshBus::ask_channel(std::string_view channel, std::function<void(const ChannelReport&)> tell) {
  const Questions::Id question = questions_.next_id();
  const auto report = std::make_shared<ChannelReport>();
  report->has_presence = client_.options_of(channel).presence;
  std::size_t asked = 0;
  const auto ask = [&](Slot slot, BusWord word) {
    if (slot != self_ && !is_there(slot)) return;
    RecordWriter record = bus_record(word);
    record.add_number(tag(BusField::question), question);
    record.add(tag(BusField::channel), channel);
    send(slot, record);
    ++asked;
  };
  for (const Slot slot : interest_.slots_of(channel)) ask(slot, BusWord::ask_count);
  if (report->has_presence) ask(home_of(channel), BusWord::ask_members);
  const auto take = [report](const RecordReader& answer) {
    report->subscribers += number(answer, BusField::count);
    for (const Member& member : read_members(answer)) report->members.push_back({member.id, std::string(member.name)});
  };
  const auto finish = [report, tell = std::move(tell)](bool partial) {
    report->partial = partial;
    tell(*report);
  };
  questions_.ask(question, asked, take, finish);
}

void MeshBus::list_channels(std::string_view prefix, std::function<void(const ChannelList&)> tell) {
  const Questions::Id question = questions_.next_id();
  RecordWriter record = bus_record(BusWord::ask_list);
  record.add_number(tag(BusField::question), question);
  record.add(tag(BusField::name), prefix);
  std::size_t asked = 1;
  send(self_, record);
  for (const auto& [slot, peer] : peers_) {
    if (!peer.is_there()) continue;
    send(slot, record);
    ++asked;
  }
  struct Sums {
    std::map<std::string, std::size_t, std::less<>> subscribers;
    bool partial = false;
  };
  const auto sums = std::make_shared<Sums>();
  const auto take = [sums](const RecordReader& answer) {
    const auto names = answer.find_all(tag(BusField::listed_name));
    const auto counts = answer.find_all(tag(BusField::listed_count));
    for (std::size_t i = 0; i < std::min(names.size(), counts.size()); ++i) {
      sums->subscribers[std::string(names[i])] += protocol::number_of(counts[i]).value_or(0);
    }
    sums->partial |= number(answer, BusField::partial) != 0;
  };
  const auto finish = [sums, tell = std::move(tell)](bool partial) {
    ChannelList list{.channels = {}, .partial = partial || sums->partial};
    for (const auto& [name, subscribers] : sums->subscribers) list.channels.push_back({name, subscribers});
    tell(list);
  };
  questions_.ask(question, asked, take, finish);
}

void MeshBus::ask_connection(ConnectionId id, std::function<void(const ConnectionReport&)> tell) {
  const Questions::Id question = questions_.next_id();
  RecordWriter record = bus_record(BusWord::ask_connection);
  record.add_number(tag(BusField::question), question);
  record.add_number(tag(BusField::connection), id);
  const bool there = slot_of(id) == self_ || is_there(slot_of(id));
  send(slot_of(id), record);
  const auto report = std::make_shared<ConnectionReport>();
  const auto take = [report](const RecordReader& answer) { *report = read_connection(answer); };
  const auto finish = [report, tell = std::move(tell)](bool partial) {
    report->partial = partial;
    tell(*report);
  };
  questions_.ask(question, there ? 1 : 0, take, finish);
}

// ---- receiving ------------------------------------------------------------------------------------------------------

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
      peers_[from].synced = true;
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
  home_role_.take_state(record, [&](ConnectionId id) { return !is_late || !is_in_step(slot_of(id)); });
  if (!is_late) home_role_.note_given(channel);
}

void MeshBus::handle_publish(Slot from, const RecordReader& record) {
  std::vector<ConnectionId> excluded;
  const std::size_t taken = client_.deliver(read_publication(record, excluded));
  RecordWriter count = bus_record(BusWord::answer);
  count.add_number(tag(BusField::count), taken);
  answer(from, record, count);
}

void MeshBus::handle_sequenced(const RecordReader& record) {
  std::vector<ConnectionId> excluded;
  const std::size_t taken = client_.deliver(read_publication(record, excluded));
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

// ---- neighbours -----------------------------------------------------------------------------------------------------

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
  Peer& peer = peers_[slot];
  peer.synced = false;
  peer.homes = 0;
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
  return peer == peers_.end() || !peer->second.is_there() || (peer->second.synced && peer->second.homes == homes_);
}

bool MeshBus::all_are_in_step() const {
  return due_links_.empty() &&
         std::ranges::all_of(peers_, [this](const auto& entry) { return is_in_step(entry.first); });
}

void MeshBus::take_step() {
  release_early();
  settle_if_all_are_in_step();
}

bool MeshBus::is_behind() const {
  return std::ranges::any_of(
      peers_, [this](const auto& entry) { return entry.second.homes != 0 && entry.second.homes < homes_; });
}

void MeshBus::complete(std::uint32_t homes, std::set<Slot> due_links) {
  due_links_ = std::move(due_links);
  if (homes != homes_ && homes > 0) change_homes(homes);
  if (!std::exchange(complete_, true)) await_settlement();
}

void MeshBus::when_settled(std::function<void()> tell) {
  if (settled_) return tell();
  on_settled_ = std::move(tell);
}

void MeshBus::await_settlement() {
  settled_ = false;
  uv_timer_start(
      settle_deadline_.get(), [](uv_timer_t* timer) { static_cast<MeshBus*>(timer->data)->settle(); },
      settle_patience_ms, 0);
  settle_if_all_are_in_step();
}

void MeshBus::settle_if_all_are_in_step() {
  if (complete_ && !settled_ && all_are_in_step()) settle();
}

void MeshBus::settle() {
  settled_ = is_on_bus_ = true;
  uv_timer_stop(settle_deadline_.get());
  home_role_.drop_unnamed([this](std::string_view channel, ConnectionId id) {
    return !is_in_step(slot_of(id)) || std::ranges::any_of(deferred_, [&](const Deferred& deferred) {
      const auto record = RecordReader::parse(deferred.record);
      return record->type() == static_cast<std::uint16_t>(BusWord::join) &&
             number(*record, BusField::connection) == id && text(*record, BusField::channel) == channel;
    });
  });
  home_role_.take_named([this](std::string_view channel) { return home_of(channel) == self_; });
  if (!is_behind()) home_role_.forget_named();
  for (const Deferred& deferred : std::exchange(deferred_, {})) {
    handle_request(deferred.from, *RecordReader::parse(deferred.record));
  }
  if (on_settled_) std::exchange(on_settled_, {})();
}

// ---- another number of homes ----------------------------------------------------------------------------------------

// Fewer slots: the channels of those that go find a new home, with all that is known of them. The old home gives them
// away before it says that it goes by the new number, every slot names its members of them, and those who want to be,
// before it says so, and what is published to the old home later is told where to go.
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
