#include "worker/connection_context.h"

#include <algorithm>

#include "worker/client_connection.h"

namespace wsd::worker {

namespace {

// Everything sent in one turn, unless the turn sends more: then it is flushed early.
constexpr std::size_t arena_size = 1024 * 1024;

std::uint64_t milliseconds(std::chrono::milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

// Often enough for the shortest of the limits that are on.
std::uint64_t tick_interval(const Limits& limits) {
  auto interval = limits.message_timeout;
  for (const auto other : {limits.ping_interval, limits.idle_timeout}) {
    if (other.count() > 0) interval = std::min(interval, other);
  }
  return milliseconds(interval);
}

}  // namespace

ConnectionContext::ConnectionContext(Loop& loop_, Worker& worker_, AppHost& app_, Poller& poller_, Channels& channels_,
                                     ScoreboardRow& counters_, const Limits& limits_)
    : loop(loop_),
      worker(worker_),
      app(app_),
      poller(poller_),
      channels(channels_),
      counters(counters_),
      limits(limits_),
      access_log(-1, 0),
      arena(arena_size),
      compression(limits.deflate),
      handshakes(milliseconds(limits.handshake_timeout)),
      ticks(tick_interval(limits)),
      endings(milliseconds(limits.close_timeout)),
      read_buffer_(std::make_unique_for_overwrite<std::byte[]>(read_buffer_size)) {}

void ConnectionContext::flush() {
  for (ClientConnection* connection : touched) connection->flush();
  touched.clear();
  arena.reset();
  // The last one may be on its way to many right now, and this a flush for want of room in the arena.
  while (shared_.size() > 1) shared_.pop_front();
}

}  // namespace wsd::worker
