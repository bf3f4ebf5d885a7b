#include "tests/wsbench/poller.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace wsd::bench {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
}

Poller::~Poller() {
  ::close(epoll_);
}

bool Poller::add(int descriptor, void* tag, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Poller::change(int descriptor, void* tag, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

std::span<const epoll_event> Poller::wait(std::span<epoll_event> into, Time until) {
  const auto left = std::max<std::chrono::nanoseconds>(until - Clock::now(), std::chrono::nanoseconds(0));
  int count = -1;
  if (is_precise_) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    count = ::epoll_pwait2(epoll_, into.data(), static_cast<int>(into.size()), &timeout, nullptr);
    if (count < 0 && errno == ENOSYS) is_precise_ = false;
  }
  if (!is_precise_) {
    // Rounded down: early and busy for a millisecond at most is better than late.
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(left).count();
    count = ::epoll_wait(epoll_, into.data(), static_cast<int>(into.size()),
                         static_cast<int>(std::min<std::int64_t>(milliseconds, 1000)));
  }
  return into.first(static_cast<std::size_t>(std::max(count, 0)));
}

}  // namespace wsd::bench
