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

// Of each address that clients come from, on the whole machine (address_quotas.h). 0: none.
struct AddressLimits {
  std::uint32_t connections = 0;
  std::uint32_t handshakes = 0;  // per second
  std::uint32_t messages = 0;    // per second

  [[nodiscard]] bool any() const { return connections > 0 || handshakes > 0 || messages > 0; }
};

// What happens to a message for a client whose send queue is full, where its channel does not say.
enum class FullQueue : std::uint8_t {
  drop,   // the message
  close,  // the client, with Close 1013
};

struct Limits {
  std::size_t max_connections = 0;             // of a worker; 0: as many as there are descriptors for
  std::size_t max_handshake = 16U << 10U;      // bytes of a request head
  std::uint64_t max_message = 1U << 20U;       // bytes of one received message, all fragments together
  std::size_t send_queue = 1U << 20U;          // bytes that may wait for one peer
  std::size_t send_queue_total = 256U << 20U;  // bytes that may wait for all of a worker's peers
  FullQueue full_queue = FullQueue::drop;
  std::chrono::milliseconds handshake_timeout{10'000};  // from accept to a whole request head
  std::chrono::milliseconds ping_interval{25'000};      // server pings
  unsigned ping_misses = 2;                             // so many that nothing answers close
  std::chrono::milliseconds idle_timeout{0};            // no message from the peer for this long closes; 0: never
  std::chrono::milliseconds close_timeout{5'000};       // for the peer's answer to a Close, and for our last bytes
  std::chrono::milliseconds message_timeout{60'000};    // from the first byte of a message to its last
  std::chrono::milliseconds stop_timeout{2'000};
  std::chrono::milliseconds drain_timeout{30'000};
  std::chrono::milliseconds handoff_patience{
      5'000};  // for a successor to receive everything, before the old worker goes on
  unsigned accepts_per_turn = 64;
  unsigned reserved_descriptors = 64;  // below RLIMIT_NOFILE: where a worker counts as full
  // Bytes that the kernel takes for a peer beyond what is on its way there. As a socket's buffer, where that is all
  // there is to it, the kernel doubles half of it.
  static constexpr int unsent_in_kernel = 128 * 1024;
  DeflateLimits deflate{};
  AddressLimits per_address{};
};

// How many connections a worker of this process's descriptor limit takes.
[[nodiscard]] std::size_t connections_allowed(const Limits& limits);

}  // namespace wsd::worker
