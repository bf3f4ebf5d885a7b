#include "master/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "master/control_protocol.h"

namespace wsd::master {

namespace {

int milliseconds_until(ControlClient::TimePoint deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
  return static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
}

ControlClient::Outcome connect_outcome(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return ControlClient::Outcome::no_permission;
    case EAGAIN:
      return ControlClient::Outcome::timeout;
    default:
      return ControlClient::Outcome::no_server;
  }
}

}  // namespace

ControlClient::Outcome ControlClient::connect(const std::string& path, TimePoint deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Outcome::no_server;
  path.copy(address.sun_path, path.size());
  received_.clear();
  descriptors_.clear();
  while (true) {
    fd_ = worker::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) return Outcome::no_server;
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return Outcome::ok;
    const int error = errno;
    // EAGAIN: the backlog is full. There is nothing to poll for, so knock again until the deadline.
    if (error != EAGAIN || milliseconds_until(deadline) == 0) return connect_outcome(error);
    ::poll(nullptr, 0, 10);
  }
}

pid_t ControlClient::server_pid() const {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

ControlClient::Outcome ControlClient::send_line(std::string_view line, TimePoint deadline) {
  return send_bytes(std::string(line) + '\n', deadline);
}

ControlClient::Outcome ControlClient::send_bytes(std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return Outcome::closed;
    } else if (const Outcome outcome = wait(POLLOUT, deadline); outcome != Outcome::ok) {
      return outcome;
    }
  }
  return Outcome::ok;
}

void ControlClient::shut_down_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

ControlClient::Outcome ControlClient::read_line(std::string& line, TimePoint deadline) {
  if (const Outcome outcome = await_line(deadline); outcome != Outcome::ok) return outcome;
  const std::size_t newline = received_.find('\n');
  line = received_.substr(0, newline);
  received_.erase(0, newline + 1);
  return Outcome::ok;
}

ControlClient::Outcome ControlClient::await_line(TimePoint deadline) {
  std::array<char, 16 * 1024> buffer;
  while (received_.find('\n') == std::string::npos) {
    if (received_.size() > max_control_answer) return Outcome::closed;
    const ssize_t size = receive(buffer);
    if (size > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(size));
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Outcome::closed;
    } else if (const Outcome outcome = wait(POLLIN, deadline); outcome != Outcome::ok) {
      return outcome;
    }
  }
  return Outcome::ok;
}

ssize_t ControlClient::receive(std::span<char> buffer) {
  constexpr std::size_t most = 16;  // descriptors at once: a line has one
  iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return size;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; CMSG_LEN(at) < header->cmsg_len; at += sizeof(int)) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + at, sizeof(descriptor));
      descriptors_.emplace_back(descriptor);
    }
  }
  return size;
}

worker::FileDescriptor ControlClient::take_descriptor() {
  if (descriptors_.empty()) return {};
  worker::FileDescriptor next = std::move(descriptors_.front());
  descriptors_.pop_front();
  return next;
}

ControlClient::Outcome ControlClient::wait(short events, TimePoint deadline) const {
  pollfd ready{fd_.get(), events, 0};
  while (true) {
    const int timeout = milliseconds_until(deadline);
    const int count = ::poll(&ready, 1, timeout);
    if (count > 0) return Outcome::ok;
    if (count == 0 && milliseconds_until(deadline) == 0) return Outcome::timeout;
  }
}

}  // namespace wsd::master
