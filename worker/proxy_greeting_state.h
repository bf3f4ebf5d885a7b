// What makes up a connection whose PROXY header is not whole yet (proxy_greetings.h) besides its socket, as a worker
// gives it to its successor: a tagged record, as with connection_state.h.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/record.h"
#include "worker/socket_kind.h"

namespace wsd::worker {

struct ProxyGreetingState {
  std::string remote_address;  // of the proxy
  SocketKind kind = SocketKind::websocket;
  std::vector<std::byte> input;  // of the header, as far as it came
  std::uint64_t due_ms = 0;      // CLOCK_MONOTONIC

  bool operator==(const ProxyGreetingState&) const = default;
};

inline constexpr std::uint16_t proxy_greeting_record = 204;
[[nodiscard]] protocol::RecordWriter encode(const ProxyGreetingState& state);
// Nothing if the record is of another type.
[[nodiscard]] std::optional<ProxyGreetingState> decode_proxy_greeting(std::span<const std::byte> record);

}  // namespace wsd::worker
