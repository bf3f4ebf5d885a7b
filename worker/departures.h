// Clients that are asked to reconnect elsewhere, each in its time: all of a worker that is drained, and those whose
// relay ends (relay.h). One whose message is half here, or whose answer has not left, is not cut: it is asked later.
//
// Owned by the server. Times are in milliseconds of the loop's clock.

#pragma once

#include <wsd/message.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "worker/connection_table.h"
#include "worker/drain_plan.h"
#include "worker/relay_ends.h"

namespace wsd::worker {

class Departures {
 public:
  // `connections` outlives it. `seed`: of the jitter.
  Departures(const ConnectionTable& connections, std::uint32_t seed) : connections_(connections), seed_(seed) {}

  // All that are there go, with this Close, within the window.
  void drain(std::uint16_t close_code, std::uint64_t now_ms, std::uint64_t window_ms);
  void stop_draining() { plan_.reset(); }

  [[nodiscard]] RelayEnds& relays() { return relays_; }
  // The relay's clients go within the window, where they would not have gone before.
  void end_relay(std::uint32_t relay, std::uint64_t now_ms, std::uint64_t window_ms);

  // Those whose time has come. Now and then, from the loop.
  void handle_due(std::uint64_t now_ms);

 private:
  void drain_due(std::uint64_t now_ms);
  void end_relays_due(std::uint64_t now_ms);
  // False for one that is not to be cut; another's deadline bounds it.
  [[nodiscard]] bool part_with(ConnectionId id, std::uint16_t close_code);

  const ConnectionTable& connections_;
  const std::uint32_t seed_;
  std::optional<DrainPlan> plan_;
  std::uint16_t close_code_ = 0;  // of the drain
  RelayEnds relays_;
  std::vector<ConnectionId> postponed_ends_;  // of relays
};

}  // namespace wsd::worker
