// A stream socket, read and written as transport.h asks for.

#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "worker/file_descriptor.h"
#include "worker/limits.h"
#include "worker/transport.h"

namespace wsd::worker {

class SocketStream {
 public:
  SocketStream() = default;
  // `socket`: connected and non-blocking.
  explicit SocketStream(FileDescriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer);
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) {
    // One piece that may wait in the kernel is the usual case, and send() is the cheaper call.
    if (pieces.size() != 1 || pieces[0].iov_len > usual_unsent) [[unlikely]]
      return write_much(pieces);
    return outcome_of(::send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL));
  }
  void shutdown_write();
  void abort();
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  static constexpr std::size_t usual_unsent = Limits::unsent_in_kernel;
  static constexpr std::size_t most_unsent = 1024 * 1024;

  // What a write came to; of a failure errno has the reason.
  [[nodiscard]] Transfer outcome_of(ssize_t count) {
    if (count < 0) [[unlikely]]
      return failure();
    const auto bytes = static_cast<std::size_t>(count);
    taken_ = static_cast<std::uint32_t>(std::min<std::size_t>(most_unsent, taken_ + bytes));
    return {.status = Transfer::Status::done, .bytes = bytes};
  }
  [[nodiscard]] static Transfer failure();
  [[nodiscard]] Transfer write_much(std::span<const iovec> pieces);
  [[nodiscard]] std::size_t trusted_with(std::span<const iovec> pieces) const;
  void let_wait_unsent(std::size_t size);

  FileDescriptor socket_;
  std::uint32_t taken_ = 0;  // bytes that the peer has had of us, as far as that matters
};

}  // namespace wsd::worker
