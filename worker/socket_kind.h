// What a listening socket is for: a worker serves both kinds from one loop.

#pragma once

namespace wsd::worker {

// As orders and states spell it (master_protocol.h).
enum class SocketKind : char {
  websocket = 'w',  // clients of the application
  api = 'a',        // other programs: the HTTP API
};

}  // namespace wsd::worker
