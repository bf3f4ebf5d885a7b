// In which order and when a draining worker parts with its clients: spread over a window with jitter, so that those who
// come back do not come back all at once.
//
// Knows ids and times only. Times are in milliseconds of the loop's clock.

#pragma once

#include <wsd/message.h>

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

namespace wsd::worker {

class DrainPlan {
 public:
  // `connections`: those to go first come first.
  DrainPlan(const std::vector<ConnectionId>& connections, std::uint64_t now_ms, std::uint64_t window_ms,
            std::uint32_t seed);

  // Those whose time has come.
  [[nodiscard]] std::vector<ConnectionId> take_due(std::uint64_t now_ms);
  // This one was not to be disturbed now: it is due again at the next look.
  void postpone(ConnectionId connection) { postponed_.push_back(connection); }

 private:
  struct Departure {
    ConnectionId connection;
    std::uint64_t due_ms;
  };

  std::deque<Departure> departures_;
  std::vector<ConnectionId> postponed_;
};

}  // namespace wsd::worker
