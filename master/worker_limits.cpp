#include "master/worker_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace wsd::master {

worker::Limits limits_of(const Options& options) {
  worker::Limits limits;
  limits.max_message = *options.max_message;
  limits.send_queue = *options.send_queue;
  limits.send_queue_total = *options.send_queue_total;
  limits.full_queue = *options.slow_consumer;
  limits.max_connections = *options.max_connections;
  limits.max_handshake = *options.max_handshake;
  limits.message_timeout = *options.message_timeout;
  limits.ping_misses = *options.ping_misses;
  limits.accepts_per_turn = *options.accepts_per_turn;
  limits.per_address = {.connections = *options.max_connections_per_address,
                        .handshakes = *options.max_handshakes_per_address,
                        .messages = *options.max_messages_per_address};
  limits.deflate = {.enabled = *options.deflate,
                    .threshold = *options.deflate_threshold,
                    .window_bits = static_cast<std::uint8_t>(*options.deflate_window_bits),
                    .memory_level = static_cast<std::uint8_t>(*options.deflate_mem_level),
                    .level = static_cast<std::uint8_t>(*options.deflate_level),
                    .server_takeover = *options.deflate_server_takeover,
                    .client_takeover = *options.deflate_client_takeover};
  limits.handshake_timeout = *options.handshake_timeout;
  limits.ping_interval = *options.ping_interval;
  limits.idle_timeout = *options.idle_timeout;
  limits.close_timeout = *options.close_timeout;
  limits.stop_timeout = *options.stop_timeout;
  limits.drain_timeout = *options.drain_timeout;
  limits.handoff_patience = std::min<std::chrono::milliseconds>(limits.handoff_patience, *options.watchdog / 2);
  return limits;
}

}  // namespace wsd::master
