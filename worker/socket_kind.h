// What a listening socket is for: a worker serves all kinds from one loop.

#pragma once

namespace wsd::worker {

// As orders and states spell it (master_protocol.h).
enum class SocketKind : char {
  websocket = 'w',  // clients of the application
  secure = 's',     // the same over TLS
  api = 'a',        // other programs: the HTTP API
};

// All that a worker has to know of a listening socket besides its descriptor.
struct SocketRole {
  SocketKind kind = SocketKind::websocket;
  bool proxied = false;  // each of its connections begins with a PROXY header (proxy_greetings.h)

  bool operator==(const SocketRole&) const = default;
};

}  // namespace wsd::worker
