// What one connection has received and sent since it was accepted.

#pragma once

#include <cstdint>

namespace wsd::worker {

struct Traffic {
  std::uint64_t messages_in = 0;   // whole data messages
  std::uint64_t messages_out = 0;  // data messages accepted for sending
  std::uint64_t bytes_in = 0;      // of the stream as it is behind TLS: handshake and framing included
  std::uint64_t bytes_out = 0;

  bool operator==(const Traffic&) const = default;
};

}  // namespace wsd::worker
