// A worker as its bus sees it: a loop, a poller, a bus, and connections that are members of channels and nothing else.
// What channels.cpp does with them is done here in the same way, without sockets, and is written down.

#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/support/lives.h"
#include "worker/bus.h"
#include "worker/connection_id.h"
#include "worker/loop.h"
#include "worker/mesh_bus.h"
#include "worker/poller.h"
#include "worker/scoreboard.h"

namespace wsd::worker::test {

using wsd::test::promise;

// What channels are by the beginning of their name: "hist…" keeps four messages, "room…" three of them, and members
// whose names are their own; "pres…" keeps members alone, and everything else nothing.
[[nodiscard]] inline const ChannelOptions& options_by_name(std::string_view channel) {
  static const ChannelOptions plain;
  static const ChannelOptions history{.history = 4};
  static const ChannelOptions room{.history = 3, .presence = true, .unique_names = true};
  static const ChannelOptions presence{.presence = true};
  if (channel.starts_with("hist")) return history;
  if (channel.starts_with("room")) return room;
  return channel.starts_with("pres") ? presence : plain;
}

class BusWorker final : public BusClient {
 public:
  struct Membership {
    std::uint64_t serial = 0;  // no two are the same
    std::string name;
    std::string asked_name;
    std::uint64_t question = 0;
    bool joined = false;
    bool history_lost = false;
    std::vector<std::string> received;  // history and what came later
  };
  // By channel.
  using Memberships = std::map<std::string, Membership, std::less<>>;
  using Connections = std::map<ConnectionId, Memberships>;
  // What the worker was told of each channel, in order: messages, "+1=name", "-1=name", "=1=name,2=name".
  using Log = std::map<std::string, std::vector<std::string>, std::less<>>;

  BusWorker(std::uint16_t slot, std::uint32_t incarnation, std::uint32_t homes)
      : BusWorker({.slot = slot, .incarnation = incarnation, .homes = homes}) {}
  explicit BusWorker(const MeshBus::Place& place)
      : slot_(place.slot), incarnation_(place.incarnation), bus(loop_, poller_, *this, counters, buffer_, place) {
    bus.when_settled([this] { settled_ = true; });
  }

  [[nodiscard]] std::uint16_t slot() const { return slot_; }
  [[nodiscard]] std::uint32_t incarnation() const { return incarnation_; }
  [[nodiscard]] bool is_settled() const { return settled_; }
  [[nodiscard]] Loop& loop() { return loop_; }

  // Whatever is ready is handled, and the turn ends, as Server does it.
  void turn() {
    loop_.turn();
    end_turn();
  }
  void end_turn() {
    do {
      while (bus.has_inbox()) bus.take_inbox();
      bus.flush();
    } while (bus.has_inbox());
  }

  // ---- connections
  ConnectionId connect() {
    const ConnectionId id = id_base(slot_, incarnation_) | ++last_counter_;
    connections[id];
    return id;
  }
  void subscribe(ConnectionId id, const std::string& channel, const std::string& name = {}) {
    Memberships& memberships = connections.at(id);
    if (!memberships.contains(channel)) {
      if (takers_[channel]++ == 0) bus.set_interest(channel, true);
      memberships[channel].joined = !is_kept(options_by_name(channel));
      static std::uint64_t last_serial = 0;
      memberships[channel].serial = ++last_serial;
    }
    Membership& membership = memberships[channel];
    if (!is_kept(options_by_name(channel))) return;
    if (membership.joined && membership.name == name && membership.question == 0) return;
    membership.asked_name = name;
    membership.question = bus.join(channel, id, name);
  }
  void unsubscribe(ConnectionId id, const std::string& channel) {
    if (!connections.at(id).contains(channel)) return;
    if (is_kept(options_by_name(channel))) bus.leave(channel, id);
    drop(id, channel);
  }
  void disconnect(ConnectionId id) {
    while (!connections.at(id).empty()) unsubscribe(id, std::string(connections.at(id).begin()->first));
    connections.erase(id);
  }
  SendResult publish(ConnectionId id, std::string_view channel, std::string_view data) {
    return bus.publish(
        {.channel = channel, .data = data, .type = MessageType::text, .publisher = id, .excluded = {&id, 1}}, {});
  }

  // The connections go to a successor, as their states and the bus's own do.
  void take_over(BusWorker& old, std::vector<FileDescriptor> links, const std::vector<std::byte>& records) {
    connections = old.connections;
    log = old.log;
    for (const auto& [id, memberships] : connections) {
      for (const auto& [channel, membership] : memberships) ++takers_[channel];
    }
    settled_ = old.settled_;
    promise(bus.restore(records, std::move(links)), "what was saved can be restored");
  }

  // ---- for the bus
  std::size_t deliver(const Publication& publication) override {
    const std::string data(publication.data);
    log[std::string(publication.channel)].push_back(data);
    std::size_t taken = 0;
    for (auto& [id, memberships] : connections) {
      const auto found = memberships.find(publication.channel);
      if (found == memberships.end() || !found->second.joined || !publication.is_for(id)) continue;
      found->second.received.push_back(data);
      ++taken;
    }
    return taken;
  }
  void handle_join_answer(const JoinAnswer& answer) override {
    ++answers;
    const auto connection = connections.find(answer.connection);
    if (connection == connections.end()) return;
    const auto found = connection->second.find(answer.channel);
    if (found == connection->second.end()) {
      if (answer.accepted) bus.leave(answer.channel, answer.connection);
      return;
    }
    Membership& membership = found->second;
    const bool is_second_thought = membership.question == 0 && answer.accepted && membership.name != answer.name;
    if (membership.question != answer.question && !is_second_thought) return;
    const std::string name = is_second_thought ? std::string(answer.name) : std::exchange(membership.asked_name, {});
    membership.question = 0;
    if (!answer.accepted) {
      refusals.push_back(name);
      if (membership.joined) {
        membership.name = answer.name;
        return;
      }
      bus.leave(answer.channel, answer.connection);
      drop(answer.connection, std::string(answer.channel));
      return;
    }
    membership.name = name;
    if (!std::exchange(membership.joined, true)) {
      membership.history_lost = answer.history_lost;
      for (const PastMessage& past : answer.history) membership.received.emplace_back(past.data);
    }
    last_members = answer.members.size();
    if (on_joined) on_joined(answer);
  }
  void handle_member_joined(std::string_view channel, const Member& member, std::size_t count) override {
    log[std::string(channel)].push_back("+" + text_of(member) + " " + std::to_string(count));
  }
  void handle_member_left(std::string_view channel, const Member& member, std::size_t count) override {
    log[std::string(channel)].push_back("-" + text_of(member) + " " + std::to_string(count));
  }
  void handle_members(std::string_view channel, const std::vector<Member>& members) override {
    std::string all = "=";
    for (const Member& member : members) all += text_of(member) + ",";
    log[std::string(channel)].push_back(all);
  }
  [[nodiscard]] const ChannelOptions& options_of(std::string_view channel) const override {
    return options_by_name(channel);
  }
  [[nodiscard]] std::size_t count_subscribers(std::string_view channel) const override {
    std::size_t count = 0;
    for (const auto& [id, memberships] : connections) {
      const auto found = memberships.find(channel);
      if (found != memberships.end() && found->second.joined) ++count;
    }
    return count;
  }
  void for_each_channel(const std::function<void(std::string_view, std::size_t)>& visit) const override {
    for (const auto& [channel, takers] : takers_) visit(channel, count_subscribers(channel));
  }
  void for_each_member(const std::function<void(const LocalMember&)>& visit) const override {
    for (const auto& [id, memberships] : connections) {
      for (const auto& [channel, one] : memberships) {
        if (is_kept(options_by_name(channel))) {
          visit({channel, id, one.name, one.joined, one.question, one.asked_name});
        }
      }
    }
  }
  std::optional<SendResult> send_here(ConnectionId id, std::string_view data, MessageType) override {
    if (!connections.contains(id)) return std::nullopt;
    sent.emplace_back(id, data);
    return SendResult::sent;
  }
  bool close_here(ConnectionId id, std::uint16_t, std::string_view) override {
    if (!connections.contains(id)) return false;
    disconnect(id);
    return true;
  }
  [[nodiscard]] ConnectionReport describe_here(ConnectionId id) const override {
    return {.found = connections.contains(id),
            .partial = false,
            .slot = slot_,
            .remote_address = "192.0.2.7",
            .path = "/",
            .subprotocol = "",
            .age_ms = 0,
            .idle_ms = 0,
            .buffered_bytes = 0,
            .traffic = {},
            .deflate = false,
            .tls = TlsProtocol::none,
            .channels = {}};
  }

  static std::string text_of(const Member& member) {
    return std::to_string(member.id) + "=" + std::string(member.name);
  }

  Connections connections;
  Log log;
  std::vector<std::pair<ConnectionId, std::string>> sent;
  std::vector<std::string> refusals;  // names
  std::size_t answers = 0;            // to joins
  std::size_t last_members = 0;       // of the last that accepted
  std::function<void(const JoinAnswer&)> on_joined;
  ScoreboardRow counters;

 private:
  void drop(ConnectionId id, const std::string& channel) {
    connections.at(id).erase(channel);
    if (--takers_.at(channel) > 0) return;
    takers_.erase(channel);
    bus.set_interest(channel, false);
  }

  const std::uint16_t slot_;
  const std::uint32_t incarnation_;
  Loop loop_;
  Poller poller_{loop_, [] {}};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64 * 1024);
  std::map<std::string, std::size_t, std::less<>> takers_;
  std::uint64_t last_counter_ = 0;
  bool settled_ = false;

 public:
  MeshBus bus;
};

}  // namespace wsd::worker::test
