// A connection's transport, whichever it is: nearly all are plain sockets, so one of these lies in place, and is asked
// without a virtual call. Anything else is an object of its own.

#pragma once

#include <memory>
#include <span>
#include <utility>

#include "worker/file_descriptor.h"
#include "worker/socket_stream.h"
#include "worker/tls_protocol.h"
#include "worker/transport.h"

namespace wsd::worker {

class ClientTransport {
 public:
  // `socket`: connected and non-blocking.
  explicit ClientTransport(FileDescriptor socket) : socket_(std::move(socket)) {}
  // More than a socket: not movable, and not null.
  explicit ClientTransport(std::unique_ptr<Transport> transport) : other_(std::move(transport)) {}

  // As of Transport (transport.h).
  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) {
    return is_movable() ? socket_.read(first, buffer) : other_->read(first, buffer);
  }
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) {
    if (is_movable()) [[likely]]
      return socket_.write(pieces);
    return other_->write(pieces);
  }
  void shutdown_write() { is_movable() ? socket_.shutdown_write() : other_->shutdown_write(); }
  void abort() { is_movable() ? socket_.abort() : other_->abort(); }
  [[nodiscard]] int descriptor() const { return is_movable() ? socket_.descriptor() : other_->descriptor(); }
  [[nodiscard]] bool is_ready() const { return is_movable() || other_->is_ready(); }
  [[nodiscard]] bool has_unsent() const { return !is_movable() && other_->has_unsent(); }
  [[nodiscard]] bool has_buffered_input() const { return !is_movable() && other_->has_buffered_input(); }
  [[nodiscard]] bool is_movable() const { return other_ == nullptr; }
  [[nodiscard]] TlsProtocol tls() const { return is_movable() ? TlsProtocol::none : other_->tls(); }

  // The descriptor is closed, unless it belongs to more than a socket: that is given back, and may live on.
  std::unique_ptr<Transport> close() {
    socket_.close();
    return std::exchange(other_, nullptr);
  }

 private:
  std::unique_ptr<Transport> other_;
  SocketStream socket_;
};

}  // namespace wsd::worker
