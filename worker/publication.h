// A message on its way to the subscribers of a channel.

#pragma once

#include <wsd/message.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace wsd::worker {

// Views: the bytes are the publisher's, or a record's that has just been read. They live as long as the call.
struct Publication {
  std::string_view channel;
  std::string_view data;
  MessageType type = MessageType::text;
  ConnectionId publisher = 0;              // 0: a worker or another program
  std::span<const ConnectionId> excluded;  // subscribers that do not get it
  // For how long it is on its way: set by the bus for those that it measures (sampler.h).
  std::uint64_t published_ns = 0;  // CLOCK_MONOTONIC; 0: it is not measured
  std::uint64_t weight = 1;

  [[nodiscard]] bool is_for(ConnectionId subscriber) const {
    return std::ranges::find(excluded, subscriber) == excluded.end();
  }
};

}  // namespace wsd::worker
