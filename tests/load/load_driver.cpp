#include "tests/load/load_driver.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace wsd::load {

void LoadDriver::open(std::size_t count) {
  static constexpr std::size_t at_once = 256;  // fewer than any server's accept queue
  static constexpr std::chrono::seconds patience{30};
  std::size_t waiting = 0;
  const auto on_arrival = [&waiting](ClientConnection&, const ClientConnection::Arrival& arrival) {
    if (arrival.opened || arrival.ended) --waiting;
  };
  while (connections_.size() < count) {
    while (connections_.size() < count && waiting < at_once) {
      if (connections_.emplace_back(context_).connect()) ++waiting;
    }
    serve(patience, on_arrival, [&waiting] { return waiting == 0; });
  }
}

void LoadDriver::serve(std::chrono::duration<double> time, const OnArrival& on_arrival,
                       const std::function<bool()>& is_over) {
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
  for (Clock::time_point now = Clock::now(); now < end && !is_over(); now = Clock::now()) {
    turn(std::chrono::ceil<std::chrono::milliseconds>(end - now), on_arrival);
  }
}

void LoadDriver::turn(std::chrono::milliseconds timeout, const OnArrival& on_arrival) {
  std::array<epoll_event, 512> events{};
  const int wait = static_cast<int>(std::min<std::int64_t>(timeout.count(), 100));
  const int count = ::epoll_wait(context_.epoll, events.data(), static_cast<int>(events.size()), wait);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    auto& connection = *static_cast<ClientConnection*>(event.data.ptr);
    on_arrival(connection, connection.handle(event.events));
  }
}

void wait_for_go(const Options& options) {
  if (!options.waits_for_go) return;
  std::fputs("ready\n", stderr);
  while (std::getchar() != '\n' && std::feof(stdin) == 0) {
  }
}

}  // namespace wsd::load
