// epoll, waiting to the microsecond.

#pragma once

#include <sys/epoll.h>

#include <span>

#include "tests/wsbench/clock.h"

namespace wsd::bench {

class Poller {
 public:
  // Throws std::system_error.
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // False, with errno set, when the kernel refuses.
  [[nodiscard]] bool add(int descriptor, void* tag, std::uint32_t events) const;
  void change(int descriptor, void* tag, std::uint32_t events) const;

  // Waits until something is ready or `until` has come, and returns what is ready.
  [[nodiscard]] std::span<const epoll_event> wait(std::span<epoll_event> into, Time until);

 private:
  int epoll_;
  bool is_precise_ = true;  // the kernel has epoll_pwait2 (Linux 5.11)
};

}  // namespace wsd::bench
