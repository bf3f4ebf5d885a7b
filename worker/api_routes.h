// The paths of the HTTP API (docs/api.md).

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wsd::worker {

enum class Endpoint : std::uint8_t { publish, send, close, channels, channel, connection, health, readiness, metrics };

struct Route {
  Endpoint endpoint;
  std::string_view name;  // what the path ends with: a channel's name, still encoded, or a connection's id
};

// None if there is nothing at this path. Its name is a view into the path.
[[nodiscard]] std::optional<Route> route_of(std::string_view path);

// The others are asked with GET or HEAD.
[[nodiscard]] bool is_post(Endpoint endpoint);
// Also to who does not know the token.
[[nodiscard]] bool is_open_to_all(Endpoint endpoint);

}  // namespace wsd::worker
