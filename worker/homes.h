// The kept channels whose home this slot is: puts their publications and memberships in one order and tells the slots
// that are interested.
//
// Owned by the bus, which hands it what other slots ask. Sends records, our own slot's too, and calls nobody.

#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/record.h"
#include "worker/bus.h"
#include "worker/bus_protocol.h"
#include "worker/channel_home.h"
#include "worker/interest_table.h"
#include "worker/text_hash.h"

namespace wsd::worker {

// Where records go: to another slot's worker, or to our own at the end of the turn.
class SlotSender {
 public:
  // Silently dropped where nobody is.
  virtual void send(std::uint16_t slot, std::span<const std::byte> record) = 0;

 protected:
  ~SlotSender() = default;
};

class Homes {
 public:
  // How long the history of a channel stays that nobody is subscribed to, and what all those histories take at most.
  static constexpr std::uint64_t idle_ms = 3'600'000;
  static constexpr std::size_t max_idle_bytes = std::size_t{64} << 20;

  // All outlive it.
  Homes(SlotSender& sender, const InterestTable& interest, const BusClient& client)
      : sender_(sender), interest_(interest), client_(client) {}
  Homes(const Homes&) = delete;
  Homes& operator=(const Homes&) = delete;

  // ---- what `from` asks
  void handle_sequence(std::uint16_t from, const protocol::RecordReader& record);
  void handle_join(std::uint16_t from, const protocol::RecordReader& record);
  void handle_rejoin(const protocol::RecordReader& record);
  void handle_leave(const protocol::RecordReader& record);
  [[nodiscard]] std::vector<Member> members_of(std::string_view channel) const;

  // The slot's worker is gone, and its connections with it.
  void drop_slot(std::uint16_t slot);
  // All members that are left have been named by rejoins: whoever is interested hears the lists anew.
  void announce_rebuilt();
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
  void take_state(const protocol::RecordReader& record);
  void forget(std::string_view channel);

 private:
  void tell_interested(std::string_view channel, std::span<const std::byte> record);
  void tell_member(BusWord word, std::string_view channel, ConnectionId id, std::string_view name, std::size_t count);
  void leave(std::string_view channel, ChannelHome& home, ConnectionId id);
  void forget_if_empty(std::string_view channel);
  ChannelHome& home_of(std::string_view channel);
  [[nodiscard]] static protocol::RecordWriter state_record(std::string_view channel, const ChannelHome& home);
  void become_idle(std::string_view channel, std::uint64_t now_ms);
  void stop_idling(std::string_view channel);

  struct Idle {
    std::uint64_t since_ms;
    std::string channel;
    auto operator<=>(const Idle&) const = default;
  };

  SlotSender& sender_;
  const InterestTable& interest_;
  const BusClient& client_;
  std::unordered_map<std::string, ChannelHome, TextHash, std::equal_to<>> homes_;
  std::set<std::string, std::less<>> rebuilt_;  // channels that rejoins came for, not yet announced
  std::set<Idle> idle_;                         // channels with a history and no subscriber
  std::unordered_map<std::string, std::uint64_t, TextHash, std::equal_to<>> idle_since_;
};

}  // namespace wsd::worker
