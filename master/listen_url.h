// An address to listen on, as users write it: ws://HOST:PORT (also spelled websocket://). HOST is a name, an IPv4
// address, or an IPv6 address in brackets. Port 0 lets the kernel choose; no port means 80 (RFC 6455 §3).
//
// Parsing only: no name is looked up and no socket opened.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "master/result.h"

namespace wsd::master {

enum class Scheme : std::uint8_t { ws };

struct ListenUrl {
  Scheme scheme = Scheme::ws;
  std::string host;  // IPv6 without its brackets
  std::uint16_t port = 80;

  [[nodiscard]] bool is_ipv6() const { return host.find(':') != std::string::npos; }
  bool operator==(const ListenUrl&) const = default;
};

Result<ListenUrl> parse_listen_url(std::string_view text);

// The canonical spelling: "ws://0.0.0.0:8080", "ws://[::1]:8080".
[[nodiscard]] std::string to_string(const ListenUrl& url);

}  // namespace wsd::master
