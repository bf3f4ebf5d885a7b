// An address to listen on, as users write it: ws://HOST:PORT (also spelled websocket://) for WebSocket clients,
// wss://HOST:PORT for the same over TLS, http://HOST:PORT for the API, unix:PATH for clients or API. HOST is a name, an
// IPv4 address, or an IPv6 address in brackets. Port 0 lets the kernel choose; no port means 80, or 443 (RFC 6455 §3).
// PATH is absolute here; the command line takes others.
// `?proxy` behind any of them: each connection begins with a PROXY header.
//
// Parsing only: no name is looked up and no socket opened.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "master/result.h"
#include "worker/socket_kind.h"

namespace wsd::master {

using worker::SocketKind;

enum class Scheme : std::uint8_t { ws, wss, http, unix_socket };

struct ListenUrl {
  Scheme scheme = Scheme::ws;
  std::string host;  // IPv6 without its brackets; empty for a unix socket
  std::uint16_t port = 80;
  std::string path = {};  // of a unix socket
  SocketKind kind = SocketKind::websocket;
  bool proxied = false;  // by a proxy that says whom it speaks for

  [[nodiscard]] bool is_unix() const { return scheme == Scheme::unix_socket; }
  [[nodiscard]] bool is_ipv6() const { return host.find(':') != std::string::npos; }
  // No other machine can reach it. A name other than localhost might mean anything.
  [[nodiscard]] bool is_loopback() const;
  // The kernel cannot listen on both.
  [[nodiscard]] bool is_same_place(const ListenUrl& other) const;
  [[nodiscard]] worker::SocketRole role() const { return {kind, proxied}; }
  bool operator==(const ListenUrl&) const = default;
};

inline constexpr std::string_view unix_prefix = "unix:";

// `kind`: whether it is to be one of the API; of the others the scheme says the kind.
Result<ListenUrl> parse_listen_url(std::string_view text, SocketKind kind = SocketKind::websocket);

// The canonical spelling: "ws://0.0.0.0:8080", "wss://0.0.0.0:8443", "http://[::1]:8090",
// "unix:/run/wsd/chat.ws?proxy".
[[nodiscard]] std::string to_string(const ListenUrl& url);

}  // namespace wsd::master
