#include "worker/homes.h"

#include <algorithm>

#include "worker/bus_protocol.h"
#include "worker/bus_records.h"
#include "worker/connection_id.h"

namespace wsd::worker {

using protocol::RecordReader;
using protocol::RecordWriter;

// ---- publications ---------------------------------------------------------------------------------------------------

void Homes::handle_sequence(std::uint16_t from, const RecordReader& record) {
  const KeptPublication kept = read_kept(record);
  const ChannelOptions& options = client_.options_of(kept.channel);
  if (options.history > 0) {
    ChannelHome& home = home_of(kept.channel);
    const std::size_t before = home.history().size();
    home.remember(kept.view(), options.history);
    note_history(before, home.history().size());
  }
  RecordWriter sequenced = bus_record(BusWord::sequenced);
  sequenced.add_number(tag(BusField::origin), from);
  add_kept(sequenced, kept);
  std::size_t asked = 0;
  interest_.for_each_listener(kept.channel, [&](std::uint16_t slot) {
    if (sender_.send_publication(slot, sequenced.bytes())) ++asked;
  });
  if (kept.question == 0) return;
  RecordWriter expect = bus_record(BusWord::expect);
  expect.add_number(tag(BusField::question), kept.question);
  expect.add_number(tag(BusField::slots), asked);
  sender_.send(from, expect.bytes());
}

// ---- members --------------------------------------------------------------------------------------------------------

void Homes::handle_join(std::uint16_t from, const RecordReader& record) {
  const std::string_view channel = text(record, BusField::channel);
  const std::string_view name = text(record, BusField::name);
  const ConnectionId id = number(record, BusField::connection);
  const ChannelOptions& options = client_.options_of(channel);
  trust(channel, id);
  ChannelHome& home = home_of(channel);
  ChannelHome::Joined joined{.accepted = true, .is_news = false, .old_name = {}};
  if (options.presence) {
    joined = home.join(id, name, options.unique_names);
    // Before the answer: the new one learns of itself by that.
    if (joined.old_name) {
      tell_member(BusWord::member_left, channel, id, *joined.old_name, home.member_count() - 1);
    }
    if (joined.is_news) tell_member(BusWord::member_joined, channel, id, name, home.member_count());
  }
  RecordWriter answer = bus_record(BusWord::join_answer);
  answer.add(tag(BusField::channel), channel);
  answer.add_number(tag(BusField::connection), id);
  answer.add_number(tag(BusField::question), number(record, BusField::question));
  answer.add_number(tag(BusField::accepted), joined.accepted ? 1 : 0);
  if (const auto member = home.all_members().find(id); member != home.all_members().end()) {
    answer.add(tag(BusField::name), member->second);
  }
  if (joined.accepted) {
    add_members(answer, home.members(options.listed_members));
    answer.add_number(tag(BusField::count), home.member_count());
    add_history(answer, home);
    answer.add_number(tag(BusField::history_lost), home.is_history_lost(options.history) ? 1 : 0);
  }
  sender_.send(from, answer.bytes());
  forget_if_empty(channel);
}

void Homes::handle_rejoin(const RecordReader& record) {
  const std::string_view channel = text(record, BusField::channel);
  const ConnectionId id = number(record, BusField::connection);
  trust(channel, id);
  named_[std::string(channel)].insert_or_assign(id, text(record, BusField::name));
}

void Homes::take_named(const std::function<bool(std::string_view)>& is_ours) {
  for (auto next = named_.begin(); next != named_.end();) {
    const auto named = next++;
    const std::string& channel = named->first;
    if (!is_ours(channel)) continue;
    const auto node = named_.extract(named);
    const ChannelOptions& options = client_.options_of(channel);
    const bool is_known = homes_.contains(channel);
    ChannelHome& home = home_of(channel);
    // Whoever had it before us is dead, and what it remembered with it.
    if (!is_known && options.history > 0) home.lose_history();
    bool is_news = false;
    for (const auto& [id, name] : node.mapped()) {
      // What we know of a member is what its slot asked last, which it may not know to be granted yet.
      if (!options.presence || home.all_members().contains(id)) continue;
      is_news |= home.join(id, name, options.unique_names).is_news;
    }
    if (is_news) tell_members(channel, home);
    forget_if_empty(channel);
  }
}

void Homes::drop_unnamed(const std::function<bool(std::string_view, ConnectionId)>& is_open, const IsLate& is_late) {
  for (const std::string& channel : std::exchange(given_, {})) {
    const auto found = homes_.find(channel);
    if (found == homes_.end()) continue;
    for (const Member& member : found->second.members(found->second.member_count())) {
      if (is_named(channel, member.id)) continue;
      if (is_late(slot_of(member.id))) {
        suspect(channel, member.id);
      } else if (!is_open(channel, member.id)) {
        leave(channel, found->second, member.id);
      }
    }
    forget_if_empty(channel);
  }
}

void Homes::drop_suspects(const IsLate& is_late) {
  for (const auto& [channel, ids] : std::exchange(suspects_, {})) {
    const auto found = homes_.find(channel);
    if (found == homes_.end()) continue;
    for (const ConnectionId id : ids) {
      if (is_late(slot_of(id))) {
        suspect(channel, id);
      } else {
        leave(channel, found->second, id);
      }
    }
    forget_if_empty(channel);
  }
}

void Homes::trust(std::string_view channel, ConnectionId id) {
  const auto found = suspects_.find(channel);
  if (found == suspects_.end()) return;
  found->second.erase(id);
  if (found->second.empty()) suspects_.erase(found);
}

bool Homes::is_named(std::string_view channel, ConnectionId id) const {
  const auto found = named_.find(channel);
  return found != named_.end() && found->second.contains(id);
}

void Homes::handle_leave(const RecordReader& record) {
  const std::string_view channel = text(record, BusField::channel);
  const ConnectionId id = number(record, BusField::connection);
  // Its slot may have named it in this very turn.
  if (const auto named = named_.find(channel); named != named_.end()) named->second.erase(id);
  const auto found = homes_.find(channel);
  if (found == homes_.end()) return;
  leave(channel, found->second, id);
  forget_if_empty(channel);
}

void Homes::leave(std::string_view channel, ChannelHome& home, ConnectionId id) {
  trust(channel, id);
  if (const auto name = home.leave(id)) tell_member(BusWord::member_left, channel, id, *name, home.member_count());
}

void Homes::drop_slot(std::uint16_t slot) {
  for (auto& [channel, members] : named_) {
    std::erase_if(members, [slot](const auto& member) { return slot_of(member.first) == slot; });
  }
  std::vector<std::string> touched;
  for (auto& [channel, home] : homes_) {
    const auto gone = home.members_of_slot(slot);
    for (const ConnectionId id : gone) leave(channel, home, id);
    if (!gone.empty()) touched.push_back(channel);
  }
  for (const std::string& channel : touched) forget_if_empty(channel);
}

void Homes::tell_members(std::string_view channel, const ChannelHome& home) {
  RecordWriter record = bus_record(BusWord::members);
  record.add(tag(BusField::channel), channel);
  add_members(record, home.members(home.member_count()));
  tell_interested(channel, record.bytes());
}

std::vector<Member> Homes::members_of(std::string_view channel) const {
  const auto home = homes_.find(channel);
  return home == homes_.end() ? std::vector<Member>() : home->second.members(home->second.member_count());
}

// ---- telling --------------------------------------------------------------------------------------------------------

void Homes::tell_interested(std::string_view channel, std::span<const std::byte> record) {
  interest_.for_each_listener(channel, [&](std::uint16_t slot) { sender_.send(slot, record); });
}

void Homes::tell_member(BusWord word, std::string_view channel, ConnectionId id, std::string_view name,
                        std::size_t count) {
  RecordWriter record = bus_record(word);
  record.add(tag(BusField::channel), channel);
  record.add_number(tag(BusField::connection), id);
  record.add(tag(BusField::name), name);
  record.add_number(tag(BusField::count), count);
  tell_interested(channel, record.bytes());
}

// ---- what is kept ---------------------------------------------------------------------------------------------------

ChannelHome& Homes::home_of(std::string_view channel) {
  const auto found = homes_.find(channel);
  return found != homes_.end() ? found->second : homes_.emplace(channel, ChannelHome()).first->second;
}

void Homes::forget_if_empty(std::string_view channel) {
  const auto found = homes_.find(channel);
  if (found != homes_.end() && found->second.is_empty()) forget(channel);
}

void Homes::forget(std::string_view channel) {
  stop_idling(channel);
  if (const auto found = suspects_.find(channel); found != suspects_.end()) suspects_.erase(found);
  const auto found = homes_.find(channel);
  if (found == homes_.end()) return;
  note_history(found->second.history().size(), 0);
  homes_.erase(found);
}

void Homes::note_history(std::size_t before, std::size_t now) {
  counters_.history_messages.set(counters_.history_messages.get() + now - before);
  const std::uint64_t had_some = before > 0 ? 1 : 0;
  const std::uint64_t has_some = now > 0 ? 1 : 0;
  counters_.history_channels.set(counters_.history_channels.get() + has_some - had_some);
}

void Homes::note_interest(std::string_view channel, std::uint64_t now_ms) {
  if (!interest_.slots_of(channel).empty()) {
    stop_idling(channel);
  } else if (homes_.contains(channel)) {
    become_idle(channel, now_ms);
  }
}

void Homes::become_idle(std::string_view channel, std::uint64_t now_ms) {
  if (idle_since_.contains(channel)) return;
  idle_since_.emplace(channel, now_ms);
  idle_.insert({now_ms, std::string(channel)});
}

void Homes::stop_idling(std::string_view channel) {
  const auto found = idle_since_.find(channel);
  if (found == idle_since_.end()) return;
  idle_.erase({found->second, found->first});
  idle_since_.erase(found);
}

void Homes::sweep(std::uint64_t now_ms) {
  // Published to, and never subscribed: nobody's interest has ended, so nobody has noted it.
  for (const auto& [channel, home] : homes_) {
    if (interest_.slots_of(channel).empty()) become_idle(channel, now_ms);
  }
  std::size_t bytes = 0;
  for (const Idle& idle : idle_) bytes += homes_.find(idle.channel)->second.history_bytes();
  while (!idle_.empty() && (idle_.begin()->since_ms + idle_ms <= now_ms || bytes > max_idle_bytes)) {
    const std::string channel = idle_.begin()->channel;
    bytes -= homes_.find(channel)->second.history_bytes();
    forget(channel);
  }
}

// ---- to another slot, or another worker of this one -----------------------------------------------------------------

RecordWriter Homes::state_record(std::string_view channel, const ChannelHome& home) {
  RecordWriter record = bus_record(BusWord::home_state);
  record.add(tag(BusField::channel), channel);
  add_members(record, home.members(home.member_count()));
  add_history(record, home);
  record.add_number(tag(BusField::history_lost), home.lost_flag() ? 1 : 0);
  return record;
}

void Homes::take_state(const RecordReader& record) {
  take_state(record, [](ConnectionId) { return true; });
}

void Homes::take_late_state(const RecordReader& record, const IsLate& is_late) {
  const std::string_view channel = text(record, BusField::channel);
  take_state(record, [&](ConnectionId id) {
    if (!is_late(slot_of(id))) return false;
    const auto home = homes_.find(channel);
    const bool is_known = home != homes_.end() && home->second.all_members().contains(id);
    if (!is_known && !is_named(channel, id)) suspect(channel, id);
    return true;
  });
}

// What this generation's App::channels does not ask for any more is left behind.
void Homes::take_state(const RecordReader& record, const std::function<bool(ConnectionId)>& is_wanted) {
  const std::string_view channel = text(record, BusField::channel);
  const ChannelOptions& options = client_.options_of(channel);
  if (!is_kept(options)) return;
  ChannelHome& home = home_of(channel);
  if (options.presence) {
    for (const Member& member : read_members(record)) {
      if (is_wanted(member.id)) (void)home.join(member.id, member.name, options.unique_names);
    }
  }
  std::deque<ChannelHome::Past> history;
  for (const PastMessage& past : read_history(record)) {
    history.push_back({std::string(past.data), past.type, past.publisher});
  }
  history.insert(history.end(), home.history().begin(), home.history().end());
  while (history.size() > options.history) history.pop_front();
  const std::size_t before = home.history().size();
  home.restore(std::move(history), number(record, BusField::history_lost) != 0);
  note_history(before, home.history().size());
  forget_if_empty(channel);
}

void Homes::hand_over() {
  homes_.clear();
  named_.clear();
  given_.clear();
  suspects_.clear();
  idle_.clear();
  idle_since_.clear();
  counters_.history_messages.set(0);
  counters_.history_channels.set(0);
}

}  // namespace wsd::worker
