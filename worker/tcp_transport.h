// A transport that is a stream socket and nothing else.

#pragma once

#include <utility>

#include "worker/socket_stream.h"
#include "worker/transport.h"

namespace wsd::worker {

class TcpTransport final : public Transport {
 public:
  // `socket`: connected and non-blocking.
  explicit TcpTransport(FileDescriptor socket) : stream_(std::move(socket)) {}

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) override {
    return stream_.read(first, buffer);
  }
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) override { return stream_.write(pieces); }
  void shutdown_write() override { stream_.shutdown_write(); }
  void abort() override { stream_.abort(); }
  [[nodiscard]] int descriptor() const override { return stream_.descriptor(); }

 private:
  SocketStream stream_;
};

}  // namespace wsd::worker
