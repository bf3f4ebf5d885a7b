#include "worker/socket_stream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace wsd::worker {

Transfer SocketStream::failure() {
  const int error = errno;
  const bool would_block = error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
  if (would_block) return {.status = Transfer::Status::would_block};
  return {.status = Transfer::Status::failed, .error = error};
}

Transfer SocketStream::read(std::span<std::byte> first, std::span<std::byte> buffer) {
  ssize_t count = 0;
  if (first.empty()) {
    count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  } else {
    const std::array<iovec, 2> pieces{{{first.data(), first.size()}, {buffer.data(), buffer.size()}}};
    count = ::readv(socket_.get(), pieces.data(), static_cast<int>(pieces.size()));
  }
  const auto bytes = static_cast<std::size_t>(count);
  if (count > 0) {
    return {.status = Transfer::Status::done, .bytes = bytes, .more = bytes == first.size() + buffer.size()};
  }
  if (count == 0) return {.status = Transfer::Status::ended};
  return failure();
}

Transfer SocketStream::write_much(std::span<const iovec> pieces) {
  const std::size_t may_wait = trusted_with(pieces);
  if (may_wait > usual_unsent) let_wait_unsent(may_wait);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  const Transfer transfer = outcome_of(::sendmsg(socket_.get(), &message, MSG_NOSIGNAL));
  if (may_wait > usual_unsent) let_wait_unsent(usual_unsent);
  return transfer;
}

// A write of more than may usually wait in the kernel goes there whole all the same, and need not be kept here, if the
// peer has had as much before and reads: who does not makes nobody hold more for him.
std::size_t SocketStream::trusted_with(std::span<const iovec> pieces) const {
  if (taken_ <= usual_unsent) return 0;
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  if (size <= usual_unsent) return 0;
  int unsent = 0;
  const bool reads =
      ::ioctl(socket_.get(), SIOCOUTQNSD, &unsent) == 0 && static_cast<std::size_t>(unsent) < usual_unsent;
  return reads ? std::min<std::size_t>(size, taken_) : 0;
}

// Beyond what is on its way.
void SocketStream::let_wait_unsent(std::size_t size) {
  const auto value = static_cast<int>(size);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, sizeof(value));
}

void SocketStream::shutdown_write() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void SocketStream::abort() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

}  // namespace wsd::worker
