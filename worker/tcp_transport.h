// A transport that is a stream socket and nothing else.

#pragma once

#include <cstdint>

#include "worker/file_descriptor.h"
#include "worker/transport.h"

namespace wsd::worker {

class TcpTransport final : public Transport {
 public:
  // `socket`: connected and non-blocking.
  explicit TcpTransport(FileDescriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) override;
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) override;
  void shutdown_write() override;
  void abort() override;
  [[nodiscard]] int descriptor() const override { return socket_.get(); }

 private:
  [[nodiscard]] std::size_t trusted_with(std::span<const iovec> pieces) const;
  void let_wait_unsent(std::size_t size);

  FileDescriptor socket_;
  std::uint32_t taken_ = 0;  // bytes that the peer has had of us, as far as that matters
};

}  // namespace wsd::worker
