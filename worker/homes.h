// The kept channels whose home this slot is: puts their publications and memberships in one order and tells the slots
// that are interested.
//
// Owned by the bus, which hands it what other slots ask. Sends records, our own slot's too, and calls nobody.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/record.h"
#include "worker/bus.h"
#include "worker/bus_protocol.h"
#include "worker/channel_home.h"
#include "worker/interest_table.h"
#include "worker/scoreboard.h"
#include "worker/text_hash.h"

namespace wsd::worker {

// Where records go: to another slot's worker, or to our own at the end of the turn.
class SlotSender {
 public:
  // Silently dropped where nobody is.
  virtual void send(std::uint16_t slot, std::span<const std::byte> record) = 0;
  // The same for a publication. False if it is dropped and counted, since too much waits for that slot.
  virtual bool send_publication(std::uint16_t slot, std::span<const std::byte> record) = 0;

 protected:
  ~SlotSender() = default;
};

class Homes {
 public:
  // How long the history of a channel stays that nobody is subscribed to, and what all those histories take at most.
  static constexpr std::uint64_t idle_ms = 3'600'000;
  static constexpr std::size_t max_idle_bytes = std::size_t{64} << 20;

  // All outlive it.
  Homes(SlotSender& sender, const InterestTable& interest, const BusClient& client, ScoreboardRow& counters)
      : sender_(sender), interest_(interest), client_(client), counters_(counters) {}
  Homes(const Homes&) = delete;
  Homes& operator=(const Homes&) = delete;

  // ---- what `from` asks
  void handle_sequence(std::uint16_t from, const protocol::RecordReader& record);
  void handle_join(std::uint16_t from, const protocol::RecordReader& record);
  // A member by its slot's account: noted until take_named().
  void handle_rejoin(const protocol::RecordReader& record);
  void handle_leave(const protocol::RecordReader& record);
  [[nodiscard]] std::vector<Member> members_of(std::string_view channel) const;

  // The slot's worker is gone, and its connections with it.
  void drop_slot(std::uint16_t slot);
  // The members that rejoins have named join, of the channels that are ours. Where some were not known, a crash has
  // cost us the list: whoever is interested hears it anew.
  void take_named(const std::function<bool(std::string_view channel)>& is_ours);
  // Others will not be ours any more.
  void forget_named() { named_.clear(); }
  using IsLate = std::function<bool(std::uint16_t slot)>;
  // The slots have named theirs. Of the channels that came from another home since the last time, those members leave
  // that nobody has named: they left while their channel was on its way. Not where `is_open` says so; and those of
  // slots that are late stay, as suspects. To be called before take_named().
  void drop_unnamed(const std::function<bool(std::string_view channel, ConnectionId id)>& is_open,
                    const IsLate& is_late);
  // Suspects leave that their slot has not named, now that it has named all of its own.
  void drop_suspects(const IsLate& is_late);
  // Somebody is interested in the channel, or nobody any more.
  void note_interest(std::string_view channel, std::uint64_t now_ms);
  // Forgets what nobody has asked for in a long time.
  void sweep(std::uint64_t now_ms);

  // ---- to another slot, or another worker of this one
  // visit(channel, record) for each channel: a home_state record with all that is known of it.
  template <typename Visit>
  void for_each_state(Visit&& visit) const {
    for (const auto& [channel, home] : homes_) visit(channel, state_record(channel, home));
  }
  // visit(channel, id, name) for each member that was named and not taken.
  template <typename Visit>
  void for_each_named(Visit&& visit) const {
    for (const auto& [channel, members] : named_) {
      for (const auto& [id, name] : members) visit(channel, id, name);
    }
  }
  void take_state(const protocol::RecordReader& record);
  // After drop_unnamed(): slots that are not late have named their members already. The others' are suspects.
  void take_late_state(const protocol::RecordReader& record, const IsLate& is_late);
  void suspect(std::string_view channel, ConnectionId id) { suspects_[std::string(channel)].insert(id); }
  // visit(channel, id)
  template <typename Visit>
  void for_each_suspect(Visit&& visit) const {
    for (const auto& [channel, ids] : suspects_) {
      for (const ConnectionId id : ids) visit(channel, id);
    }
  }
  // It was another home's until now.
  void note_given(std::string_view channel) { given_.emplace(channel); }
  [[nodiscard]] const std::set<std::string, std::less<>>& given() const { return given_; }
  void forget(std::string_view channel);
  // All of it is another worker's.
  void hand_over();

 private:
  void tell_interested(std::string_view channel, std::span<const std::byte> record);
  void tell_member(BusWord word, std::string_view channel, ConnectionId id, std::string_view name, std::size_t count);
  void tell_members(std::string_view channel, const ChannelHome& home);
  void leave(std::string_view channel, ChannelHome& home, ConnectionId id);
  // It is heard of.
  void trust(std::string_view channel, ConnectionId id);
  [[nodiscard]] bool is_named(std::string_view channel, ConnectionId id) const;
  void take_state(const protocol::RecordReader& record, const std::function<bool(ConnectionId)>& is_wanted);
  void forget_if_empty(std::string_view channel);
  // One channel's history had so many messages, and now has so many.
  void note_history(std::size_t before, std::size_t now);
  ChannelHome& home_of(std::string_view channel);
  [[nodiscard]] static protocol::RecordWriter state_record(std::string_view channel, const ChannelHome& home);
  void become_idle(std::string_view channel, std::uint64_t now_ms);
  void stop_idling(std::string_view channel);

  struct Idle {
    std::uint64_t since_ms;
    std::string channel;
    bool operator<(const Idle& other) const {
      return std::tie(since_ms, channel) < std::tie(other.since_ms, other.channel);
    }
  };

  SlotSender& sender_;
  const InterestTable& interest_;
  const BusClient& client_;
  ScoreboardRow& counters_;
  std::unordered_map<std::string, ChannelHome, TextHash, std::equal_to<>> homes_;
  std::map<std::string, std::map<ConnectionId, std::string>, std::less<>> named_;  // by rejoins
  std::set<std::string, std::less<>> given_;                                       // by another home
  std::map<std::string, std::set<ConnectionId>, std::less<>> suspects_;            // may have left before
  std::set<Idle> idle_;  // channels with a history and no subscriber
  std::unordered_map<std::string, std::uint64_t, TextHash, std::equal_to<>> idle_since_;
};

}  // namespace wsd::worker
