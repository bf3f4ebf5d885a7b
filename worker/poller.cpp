#include "worker/poller.h"

#include <sys/epoll.h>
#include <uv.h>

#include <array>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

constexpr int batch_size = 512;

}  // namespace

Poller::Poller(Loop& loop, std::function<void()> batch_done)
    : loop_(loop), epoll_(::epoll_create1(EPOLL_CLOEXEC)), batch_done_(std::move(batch_done)) {
  WSD_ASSERT(epoll_);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  WSD_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, uv_backend_fd(loop_.get()), &event) == 0);
  loop_.sleep_in(this);
}

Poller::~Poller() {
  loop_.sleep_in(nullptr);
}

bool Poller::add(int descriptor, Watched& watched, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &watched}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Poller::change(int descriptor, Watched& watched, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &watched}};
  WSD_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0);
}

void Poller::remove(int descriptor) {
  WSD_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr) == 0);
}

bool Poller::wait(int timeout_ms) {
  std::array<epoll_event, batch_size> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), batch_size, timeout_ms);
  uv_update_time(loop_.get());
  int of_libuv = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      of_libuv = 1;
    } else {
      static_cast<Watched*>(event.data.ptr)->handle_ready(event.events);
    }
  }
  if (count > of_libuv) batch_done_();
  return of_libuv > 0;
}

}  // namespace wsd::worker
