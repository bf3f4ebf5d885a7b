#include "worker/listener.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

#include "protocol/assertion.h"
#include "worker/address_text.h"

namespace wsd::worker {

namespace {

// accept(2): out of descriptors or memory. Everything else is the fault of that one client and passes with it.
bool is_exhausted(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Listener::Listener(Poller& poller, FileDescriptor socket, unsigned accepts_per_turn,
                   std::function<Verdict(Accepted)> on_client, std::function<void()> on_exhausted)
    : poller_(poller),
      socket_(std::move(socket)),
      accepts_per_turn_(accepts_per_turn),
      on_client_(std::move(on_client)),
      on_exhausted_(std::move(on_exhausted)) {
  WSD_ASSERT(poller_.add(socket_.get(), *this, EPOLLIN));
}

Listener::~Listener() {
  poller_.remove(socket_.get());
}

void Listener::handle_ready(std::uint32_t /*events*/) {
  if (!paused_) accept_some(accepts_per_turn_);
}

void Listener::accept_some(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    FileDescriptor client(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) {
      if (is_exhausted(errno)) return on_exhausted_();
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      continue;  // ECONNABORTED and the network errors that accept(2) passes on: the next one
    }
    if (on_client_({std::move(client), address_text(address)}) == Verdict::stop_for_now) return;
  }
}

void Listener::pause() {
  if (std::exchange(paused_, true)) return;
  poller_.change(socket_.get(), *this, 0);
}

void Listener::resume() {
  if (!std::exchange(paused_, false)) return;
  poller_.change(socket_.get(), *this, EPOLLIN);
}

}  // namespace wsd::worker
