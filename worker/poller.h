// Readiness of a worker's sockets: one epoll instance, in which the loop sleeps and libuv is a descriptor like others.
//
// A libuv watcher per connection would cost 160 bytes each and a callback per event with no end-of-batch in between.
// Here a ready batch is dispatched as a whole and then `batch_done` runs, where the turn's output leaves: all receives
// of a turn come before its sends. Level-triggered, unless whoever watches asks for EPOLLET.

#pragma once

#include <cstdint>
#include <functional>

#include "worker/file_descriptor.h"
#include "worker/loop.h"

namespace wsd::worker {

// Something with a descriptor in the poller. Must be removed before it is destroyed, and may not be destroyed while a
// batch is being dispatched.
class Watched {
 public:
  // `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR as epoll_wait(2) gave them.
  virtual void handle_ready(std::uint32_t events) = 0;

 protected:
  ~Watched() = default;
};

class Poller final : public Loop::Sleep {
 public:
  // `batch_done` also follows each turn of libuv. `loop` outlives it.
  Poller(Loop& loop, std::function<void()> batch_done);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // False if the kernel refused (no memory, or its limit of watches): the caller closes the descriptor.
  [[nodiscard]] bool add(int descriptor, Watched& watched, std::uint32_t events);
  void change(int descriptor, Watched& watched, std::uint32_t events);
  // Always before the descriptor is closed or sent away: another process's copy would keep it firing here.
  void remove(int descriptor);

  bool wait(int timeout_ms) override;
  void end_turn() override { batch_done_(); }

 private:
  Loop& loop_;
  FileDescriptor epoll_;
  std::function<void()> batch_done_;
};

}  // namespace wsd::worker
