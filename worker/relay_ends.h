// When the relays of TLS connections end (relay.h): those connections are closed before, each in its time.
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
  // Times are in milliseconds of the loop's clock.
  void add(ConnectionId connection, std::uint64_t due_ms) {
    if (due_of_.emplace(connection, due_ms).second) by_time_.emplace(due_ms, connection);
  }
  // 0: never.
  [[nodiscard]] std::uint64_t due_of(ConnectionId connection) const {
    const auto found = due_of_.find(connection);
    return found == due_of_.end() ? 0 : found->second;
  }
  // Those whose time has come.
  [[nodiscard]] std::vector<ConnectionId> take_due(std::uint64_t now_ms) {
    std::vector<ConnectionId> due;
    while (!by_time_.empty() && by_time_.begin()->first <= now_ms) {
      due.push_back(by_time_.begin()->second);
      due_of_.erase(due.back());
      by_time_.erase(by_time_.begin());
    }
    return due;
  }

 private:
  std::set<std::pair<std::uint64_t, ConnectionId>> by_time_;
  std::unordered_map<ConnectionId, std::uint64_t> due_of_;
};

}  // namespace wsd::worker
