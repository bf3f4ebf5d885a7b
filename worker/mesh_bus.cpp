#include "worker/mesh_bus.h"

#include <algorithm>
#include <utility>

#include "worker/bus_records.h"
#include "worker/connection_id.h"
#include "worker/home_slot.h"
#include "worker/uv_timer.h"

namespace wsd::worker {

using protocol::RecordReader;
using protocol::RecordWriter;

namespace {

constexpr std::uint64_t sweep_interval_ms = 10'000;
// Acknowledgements wait for neighbours that are this far behind at most: what a home has acknowledged, and not yet
// passed on to somebody, is lost if it dies.
constexpr std::size_t slight_delay = std::size_t{1} << 20;

// Numbers and questions of one process are higher than those of all processes before it in its slot.
std::uint64_t first_number(std::uint32_t incarnation) {
  return std::uint64_t{incarnation} << 40;
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
      settle_patience_ms_(place.settle_patience_ms),
      homes_(place.homes),
      last_number_(first_number(place.incarnation)),
      home_role_(*this, interest_, client, counters),
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

SendResult MeshBus::publish(const Publication& asked, TellDelivery tell) {
  const Publication publication = measured(asked);
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

Publication MeshBus::measured(Publication publication) {
  if (handed_over_ || publication.published_ns != 0 || !measured_.is_due()) return publication;
  publication.published_ns = uv_hrtime();
  publication.weight = measured_.weight();
  return publication;
}

// To our own subscribers.
std::size_t MeshBus::deliver(const Publication& publication) {
  const std::size_t taken = client_.deliver(publication);
  if (publication.published_ns != 0 && taken > 0) {
    counters_.delivery_ns.add(uv_hrtime() - publication.published_ns, publication.weight);
  }
  return taken;
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
  interest_.for_each_listener(publication.channel, [&](Slot slot) {
    if (slot == self_) {
      spread.taken_here = deliver(publication);
    } else if (is_there(slot)) {
      if (send_publication(slot, write_once())) {
        ++spread.asked;
      } else {
        spread.result = SendResult::dropped;
      }
    }
  });
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

void MeshBus::ask_channel(std::string_view channel, TellChannel tell) {
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

void MeshBus::list_channels(std::string_view prefix, TellChannels tell) {
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

void MeshBus::ask_connection(ConnectionId id, TellConnection tell) {
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

}  // namespace wsd::worker
