#include "tests/wsbench/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wsd::bench {

int Socket::connect(const NetworkAddress& target, const NetworkAddress* source, Poller& poller, void* tag) {
  poller_ = &poller;
  tag_ = tag;
  error_ = 0;
  descriptor_ = ::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) return errno;
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source != nullptr) {
    // The port is chosen by connect(), which knows the target: each source has all ports for it.
    ::setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(descriptor_, source->data(), source->size()) != 0) return errno;
  }
  if (::connect(descriptor_, target.data(), target.size()) != 0 && errno != EINPROGRESS) return errno;
  return poller.add(descriptor_, tag, EPOLLIN) ? 0 : errno;
}

Socket::Moved Socket::send(std::string_view bytes) {
  const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return {static_cast<std::size_t>(count), false};
  if (errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN) return {};
  error_ = errno;
  return {0, true};
}

Socket::Moved Socket::receive(std::span<std::byte> into) {
  const ssize_t count = ::recv(descriptor_, into.data(), into.size(), 0);
  if (count > 0) return {static_cast<std::size_t>(count), false};
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count < 0) error_ = errno;
  return {0, true};
}

void Socket::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace wsd::bench
