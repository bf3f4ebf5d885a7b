// Which relay keeps the TLS of which connection (relay.h), and when those connections are closed because it ends, each
// in its time.
//
// Owned by the server. Remembers connections by their id, also those that are gone meanwhile.

#pragma once

#include <wsd/message.h>

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wsd::worker {

class RelayEnds {
 public:
  // `relay`: its incarnation. Times are in milliseconds of the loop's clock; 0: never.
  void add(ConnectionId connection, std::uint32_t relay, std::uint64_t due_ms) {
    if (!entries_.emplace(connection, Entry{.relay = relay, .due_ms = due_ms}).second || due_ms == 0) return;
    by_time_.emplace(due_ms, connection);
  }
  // 0 for both: none.
  [[nodiscard]] std::uint32_t relay_of(ConnectionId connection) const { return find(connection).relay; }
  [[nodiscard]] std::uint64_t due_of(ConnectionId connection) const { return find(connection).due_ms; }
  [[nodiscard]] std::vector<ConnectionId> connections_of(std::uint32_t relay) const {
    std::vector<ConnectionId> connections;
    for (const auto& [connection, entry] : entries_) {
      if (entry.relay == relay) connections.push_back(connection);
    }
    return connections;
  }
  // Its end comes at that time, if it would not have come before.
  void hasten(ConnectionId connection, std::uint64_t due_ms) {
    const auto found = entries_.find(connection);
    if (found == entries_.end()) return;
    std::uint64_t& due = found->second.due_ms;
    if (due != 0 && due <= due_ms) return;
    by_time_.erase({due, connection});
    by_time_.emplace(due = due_ms, connection);
  }
  // Those whose time has come.
  [[nodiscard]] std::vector<ConnectionId> take_due(std::uint64_t now_ms) {
    std::vector<ConnectionId> due;
    while (!by_time_.empty() && by_time_.begin()->first <= now_ms) {
      due.push_back(by_time_.begin()->second);
      entries_.erase(due.back());
      by_time_.erase(by_time_.begin());
    }
    return due;
  }

 private:
  struct Entry {
    std::uint32_t relay = 0;
    std::uint64_t due_ms = 0;
  };

  [[nodiscard]] Entry find(ConnectionId connection) const {
    const auto found = entries_.find(connection);
    return found == entries_.end() ? Entry() : found->second;
  }

  std::set<std::pair<std::uint64_t, ConnectionId>> by_time_;
  std::unordered_map<ConnectionId, Entry> entries_;
};

}  // namespace wsd::worker
