// A stream socket, read and written as transport.h asks for.

#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "worker/file_descriptor.h"
#include "worker/transport.h"

namespace wsd::worker {

class SocketStream {
 public:
  SocketStream() = default;
  // `socket`: connected and non-blocking.
  explicit SocketStream(FileDescriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer);
  [[nodiscard]] Transfer write(std::span<const iovec> pieces);
  void shutdown_write();
  void abort();
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  [[nodiscard]] std::size_t trusted_with(std::span<const iovec> pieces) const;
  void let_wait_unsent(std::size_t size);

  FileDescriptor socket_;
  std::uint32_t taken_ = 0;  // bytes that the peer has had of us, as far as that matters
};

}  // namespace wsd::worker
