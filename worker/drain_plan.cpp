#include "worker/drain_plan.h"

#include <utility>

namespace wsd::worker {

DrainPlan::DrainPlan(const std::vector<ConnectionId>& connections, std::uint64_t now_ms, std::uint64_t window_ms,
                     std::uint32_t seed) {
  // Each has its own share of the window and leaves at a random moment of it: even, ordered and not in step.
  std::minstd_rand random(seed);
  const double share =
      connections.empty() ? 0 : static_cast<double>(window_ms) / static_cast<double>(connections.size());
  std::uniform_real_distribution<double> jitter(0, 1);
  double begin = 0;
  for (const ConnectionId connection : connections) {
    departures_.push_back({connection, now_ms + static_cast<std::uint64_t>(begin + share * jitter(random))});
    begin += share;
  }
}

std::vector<ConnectionId> DrainPlan::take_due(std::uint64_t now_ms) {
  std::vector<ConnectionId> due = std::exchange(postponed_, {});
  for (; !departures_.empty() && departures_.front().due_ms <= now_ms; departures_.pop_front()) {
    due.push_back(departures_.front().connection);
  }
  return due;
}

}  // namespace wsd::worker
