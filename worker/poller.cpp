#include "worker/poller.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

constexpr int batch_size = 512;

}  // namespace

Poller::Poller(Loop& loop, std::function<void()> batch_done)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), batch_done_(std::move(batch_done)) {
  WSD_ASSERT(epoll_);
  watcher_ =
      make_uv_handle<uv_poll_t>([&](uv_poll_t* handle) { return uv_poll_init(loop.get(), handle, epoll_.get()); });
  WSD_ASSERT(watcher_ != nullptr);
  watcher_->data = this;
  uv_poll_start(watcher_.get(), UV_READABLE,
                [](uv_poll_t* handle, int, int) { static_cast<Poller*>(handle->data)->dispatch(); });
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

void Poller::dispatch() {
  std::array<epoll_event, batch_size> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), batch_size, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Watched*>(event.data.ptr)->handle_ready(event.events);
  }
  batch_done_();
}

}  // namespace wsd::worker
