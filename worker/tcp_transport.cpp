#include "worker/tcp_transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace wsd::worker {

namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

Transfer failure(int error) {
  if (would_block(error)) return {.status = Transfer::Status::would_block};
  return {.status = Transfer::Status::failed, .error = error};
}

}  // namespace

Transfer TcpTransport::read(std::span<std::byte> buffer) {
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count > 0) return {.status = Transfer::Status::done, .bytes = static_cast<std::size_t>(count)};
  if (count == 0) return {.status = Transfer::Status::ended};
  return failure(errno);
}

Transfer TcpTransport::write(std::span<const iovec> pieces) {
  ssize_t count = 0;
  if (pieces.size() == 1) {
    // One piece is the usual case, and send() is the cheaper call.
    count = ::send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  }
  if (count >= 0) return {.status = Transfer::Status::done, .bytes = static_cast<std::size_t>(count)};
  return failure(errno);
}

void TcpTransport::shutdown_write() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void TcpTransport::abort() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

}  // namespace wsd::worker
