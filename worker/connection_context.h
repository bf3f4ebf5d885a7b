// What all connections of one worker share: the loop's buffers, deadlines, counters and lists of this turn.
//
// Owned by the server; outlives every connection. A connection changes the lists; the server works them off at the end
// of each turn (server.h, end_turn).

#pragma once

#include <wsd/worker.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/origin_rules.h"
#include "protocol/trusted_proxies.h"
#include "worker/access_log.h"
#include "worker/address_quotas.h"
#include "worker/app_host.h"
#include "worker/compression.h"
#include "worker/deadline_list.h"
#include "worker/freed_memory.h"
#include "worker/limits.h"
#include "worker/loop.h"
#include "worker/output_arena.h"
#include "worker/poller.h"
#include "worker/queue_memory.h"
#include "worker/sampler.h"
#include "worker/scoreboard.h"
#include "worker/shared_message.h"

namespace wsd::worker {

class Channels;
class ClientConnection;
class ClientOutput;

struct ConnectionContext {
  ConnectionContext(Loop& loop_, Worker& worker_, AppHost& app_, Poller& poller_, Channels& channels_,
                    ScoreboardRow& counters_, const Limits& limits_);

  Loop& loop;
  Worker& worker;
  AppHost& app;
  Poller& poller;
  Channels& channels;
  ScoreboardRow& counters;
  const Limits& limits;
  std::string_view subprotocol;   // that is selected where the application selects none; "*": the client's first one
  protocol::OriginRules origins;  // of the pages that may open a WebSocket
  protocol::TrustedProxies proxies;
  AddressQuotas quotas;        // of clients' addresses
  AccessLog access_log;        // of connections that have ended
  QueueMemory queue_memory{};  // of what waits for all of them
  FreedMemory freed_memory{};  // by those that are gone

  // A message of this size may wait, as far as all the queues together are concerned.
  [[nodiscard]] bool has_room_for(std::size_t size) const {
    return queue_memory.size() + size <= limits.send_queue_total;
  }

  // The loop's clock: taken once a turn, in milliseconds.
  [[nodiscard]] std::uint64_t now_ms() { return uv_now(loop.get()); }

  // One recv() fills it; whatever a connection needs longer it copies. Every connection of the worker reads here.
  std::span<std::byte> read_buffer() { return {read_buffer_.get(), read_buffer_size}; }
  OutputArena arena;
  Compression compression;

  // Whose input is being worked off.
  struct Reading {
    const ClientOutput* output = nullptr;  // what it sends of the read buffer need not be copied: it leaves before
                                           // the next read
    bool more = false;                     // more follows than the bytes at hand
    bool lent = false;                     // some of its output lies in the read buffer
  };
  Reading reading;

  // A message for many. It stays until output that refers to it has left, and at least until the next one is made.
  SharedMessage& share(MessageType type, std::string_view payload) { return shared_.emplace_back(type, payload); }

  Sampler callbacks;  // whose time is measured

  DeadlineList handshakes;  // waiting for a request head
  DeadlineList ticks;       // open: ping, idle and unfinished messages are looked at
  DeadlineList endings;     // waiting for the peer's Close, or for our last bytes to leave

  std::vector<ClientConnection*> touched;  // have output in the arena
  std::vector<ConnectionId> resumed;       // may have input that waits here, and not in the kernel
  std::vector<ClientConnection*> notices;  // have something to tell the application, or are gone

  // Every touched connection's output leaves, and the arena is empty. Calls no application.
  void flush();

 private:
  static constexpr std::size_t read_buffer_size = 256 * 1024;
  std::unique_ptr<std::byte[]> read_buffer_;
  std::deque<SharedMessage> shared_;  // their addresses hold
};

}  // namespace wsd::worker
