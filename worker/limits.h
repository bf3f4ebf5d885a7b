// Every limit of a worker, with its default (docs/architecture.md says where each is enforced).

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace wsd::worker {

// permessage-deflate (RFC 7692): off unless it is asked for.
struct DeflateLimits {
  bool enabled = false;         // for new connections whose client offers it
  std::size_t threshold = 256;  // bytes: a smaller message is sent as it is
  std::uint8_t window_bits = 15;
  std::uint8_t memory_level = 8;
  std::uint8_t level = 3;
  bool server_takeover = false;  // a compressor for each connection, some 256 KiB with the largest window
  bool client_takeover = false;  // a decompressor for each, some 40 KiB
};

struct Limits {
  std::uint64_t max_message = 1U << 20U;                // bytes of one received message, all fragments together
  std::size_t send_queue = 1U << 20U;                   // bytes that may wait for one peer
  std::chrono::milliseconds handshake_timeout{10'000};  // from accept to a whole request head
  std::chrono::milliseconds ping_interval{25'000};      // server pings; two misses close
  std::chrono::milliseconds idle_timeout{0};            // no message from the peer for this long closes; 0: never
  std::chrono::milliseconds close_timeout{5'000};       // for the peer's answer to a Close, and for our last bytes
  std::chrono::milliseconds message_timeout{60'000};    // from the first byte of a message to its last
  std::chrono::milliseconds stop_timeout{2'000};
  std::chrono::milliseconds drain_timeout{30'000};
  std::chrono::milliseconds handoff_patience{
      5'000};  // for a successor to receive everything, before the old worker goes on
  unsigned accepts_per_turn = 64;
  unsigned reserved_descriptors = 64;  // below RLIMIT_NOFILE: where a worker counts as full
  int socket_send_buffer = 64 * 1024;  // SO_SNDBUF, as asked for; the kernel doubles it
  DeflateLimits deflate{};
};

}  // namespace wsd::worker
