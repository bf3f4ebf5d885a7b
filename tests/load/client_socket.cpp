#include "tests/load/client_socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wsd::load {

bool ClientSocket::connect(const std::string& host, std::uint16_t port, int epoll, void* tag, int receive_buffer,
                           bool is_secure) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return false;
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (descriptor_ >= 0 && receive_buffer > 0) {
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (descriptor_ < 0 || ::connect(descriptor_, generic, sizeof address) != 0) return false;
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (is_secure && (tls_ = TlsStream::open(descriptor_)) == nullptr) return false;
  epoll_ = epoll;
  tag_ = tag;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = tag_;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor_, &event) == 0;
}

std::optional<std::size_t> ClientSocket::send(std::string_view bytes) const {
  if (tls_ != nullptr) return tls_->send(bytes);
  const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN) return 0;
  return std::nullopt;
}

ClientSocket::Received ClientSocket::receive(std::span<char> into) const {
  if (tls_ != nullptr) {
    const auto count = tls_->receive(into);
    return {count.value_or(0), count == std::size_t{0}};
  }
  const ssize_t count = ::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT);
  if (count > 0) return {static_cast<std::size_t>(count), false};
  return {0, count == 0 || errno != EAGAIN};
}

void ClientSocket::watch(bool readable, bool writable) const {
  epoll_event event{};
  event.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
  event.data.ptr = tag_;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor_, &event);
}

void ClientSocket::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  tls_.reset();
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace wsd::load
