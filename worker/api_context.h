// What all API connections of one worker share: what requests mean, the loop's clock and buffer, deadlines.
//
// Owned by the ApiService; outlives every connection.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "worker/api_requests.h"
#include "worker/deadline_list.h"
#include "worker/limits.h"
#include "worker/loop.h"
#include "worker/poller.h"

namespace wsd::worker {

class ApiConnection;

struct ApiContext {
  // All outlive it. `buffer`: what one read fills; it may be the one that every connection of the worker reads into.
  ApiContext(Loop& loop_, Poller& poller_, const Limits& limits, ApiBackend& backend, std::string_view token,
             std::span<std::byte> buffer)
      : loop(loop_),
        poller(poller_),
        requests(backend, token, limits.max_message),
        read_buffer(buffer),
        arrivals(static_cast<std::uint64_t>(limits.handshake_timeout.count())),
        endings(static_cast<std::uint64_t>(limits.close_timeout.count())) {}

  // The loop's clock: taken once a turn, in milliseconds.
  [[nodiscard]] std::uint64_t now_ms() { return uv_now(loop.get()); }

  Loop& loop;
  Poller& poller;
  ApiRequests requests;
  std::span<std::byte> read_buffer;

  DeadlineList arrivals;          // for a request to be whole; for the first one to begin as well
  DeadlineList silences{60'000};  // for the next request to begin, and for the client to read on
  DeadlineList endings;           // for the client to take the last bytes and to end the stream

  std::vector<ApiConnection*> gone;  // in this turn; to be destroyed at its end
};

}  // namespace wsd::worker
