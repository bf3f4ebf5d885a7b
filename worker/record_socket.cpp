#include "worker/record_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

using ControlBuffer = std::array<std::byte, CMSG_SPACE(RecordSocket::max_descriptors * sizeof(int))>;

std::vector<FileDescriptor> take_descriptors(msghdr& message) {
  std::vector<FileDescriptor> descriptors;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(descriptor);
    }
  }
  return descriptors;
}

}  // namespace

std::pair<RecordSocket, RecordSocket> RecordSocket::make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "no socket pair for a worker");
  }
  return {RecordSocket(FileDescriptor(ends[0])), RecordSocket(FileDescriptor(ends[1]))};
}

RecordSocket::Status RecordSocket::send(std::span<const std::byte> record, std::span<const int> descriptors) const {
  WSD_ASSERT(!record.empty() && record.size() <= max_record_size && descriptors.size() <= max_descriptors);
  iovec piece{.iov_base = const_cast<std::byte*>(record.data()), .iov_len = record.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) ControlBuffer control;
  if (!descriptors.empty()) {
    std::memset(control.data(), 0, control.size());
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) >= 0) return Status::done;
  const bool full =
      errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS || errno == ETOOMANYREFS;
  return full ? Status::would_block : Status::ended;
}

RecordSocket::Received RecordSocket::receive() const {
  Received received;
  received.bytes.resize(max_record_size);
  iovec piece{.iov_base = received.bytes.data(), .iov_len = received.bytes.size()};
  alignas(cmsghdr) ControlBuffer control;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  if (count < 0) {
    const bool nothing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    received.status = nothing ? Status::would_block : Status::ended;
    return received;
  }
  received.descriptors = take_descriptors(message);
  received.bytes.resize(static_cast<std::size_t>(count));
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    received.status = Status::failed;
  } else {
    received.status = count == 0 ? Status::ended : Status::done;  // we send no empty records
  }
  return received;
}

}  // namespace wsd::worker
