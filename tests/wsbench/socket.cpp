#include "tests/wsbench/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wsd::bench {

int Socket::connect(const NetworkAddress& target, const NetworkAddress* source, const TlsContext* tls,
                    int receive_buffer, Poller& poller, void* tag) {
  poller_ = &poller;
  tag_ = tag;
  error_ = 0;
  reads_ = true;
  writes_ = false;
  descriptor_ = ::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) return errno;
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (source != nullptr) {
    // The port is chosen by connect(), which knows the target: each source has all ports for it.
    ::setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(descriptor_, source->data(), source->size()) != 0) return errno;
  }
  if (::connect(descriptor_, target.data(), target.size()) != 0 && errno != EINPROGRESS) return errno;
  if (!poller.add(descriptor_, tag, EPOLLIN | EPOLLRDHUP)) return errno;
  if (tls == nullptr) return 0;
  tls_ = std::make_unique<TlsStream>(*tls, descriptor_);
  tls_state_ = TlsStream::State::wants_write;
  return 0;
}

Socket::Moved Socket::send(std::string_view bytes) {
  if (tls_) {
    if (!open_tls()) return {0, true};
    if (tls_state_ != TlsStream::State::done) return {};
    return moved(tls_->send(std::as_bytes(std::span(bytes))));
  }
  const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return {static_cast<std::size_t>(count), false};
  if (errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN) return {};
  error_ = errno;
  return {0, true};
}

Socket::Moved Socket::receive(std::span<std::byte> into) {
  if (tls_) {
    if (!open_tls()) return {0, true};
    if (tls_state_ != TlsStream::State::done) return {};
    return moved(tls_->receive(into));
  }
  const ssize_t count = ::recv(descriptor_, into.data(), into.size(), 0);
  if (count > 0) return {static_cast<std::size_t>(count), false};
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count < 0) error_ = errno;
  return {0, true};
}

Socket::Moved Socket::moved(const TlsStream::Moved& moved) {
  const bool is_end = moved.state == TlsStream::State::failed || moved.state == TlsStream::State::ended;
  if (is_end) error_ = tls_->error();
  return {moved.size, is_end};
}

bool Socket::open_tls() {
  if (tls_state_ == TlsStream::State::done) return true;
  const TlsStream::State before = std::exchange(tls_state_, tls_->shake_hands());
  if (tls_state_ == TlsStream::State::failed || tls_state_ == TlsStream::State::ended) {
    error_ = tls_->error();
    return false;
  }
  if (tls_state_ != before) watch();
  return true;
}

void Socket::watch_writable(bool on) {
  writes_ = on;
  watch();
}

void Socket::watch_readable(bool on) {
  reads_ = on;
  watch();
}

// While TLS is not there yet, it alone says what to wait for.
void Socket::watch() const {
  const bool is_open = tls_state_ == TlsStream::State::done;
  const bool writes = is_open ? writes_ : tls_state_ == TlsStream::State::wants_write;
  poller_->change(descriptor_, tag_, (reads_ ? EPOLLIN | EPOLLRDHUP : 0U) | (writes ? EPOLLOUT : 0U));
}

void Socket::close() {
  if (tls_) tls_->shut_down();
  tls_.reset();
  tls_state_ = TlsStream::State::done;
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace wsd::bench
