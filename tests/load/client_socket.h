#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/load/tls_stream.h"

namespace wsd::load {

// A TCP socket of the client, with TLS on it or without. Owns its descriptor. Connecting waits (on a loopback that is
// no wait, but for the handshake of TLS), nothing else does.
class ClientSocket {
 public:
  ClientSocket() = default;
  ~ClientSocket() { close(); }
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  // Connects and registers with `epoll` for reading, with `tag` as its event's data. False if that failed.
  // A `receive_buffer` other than 0 is what the kernel holds for a client that does not read.
  [[nodiscard]] bool connect(const std::string& host, std::uint16_t port, int epoll, void* tag, int receive_buffer = 0,
                             bool is_secure = false);

  // Bytes the kernel took, which may be 0; nothing if the connection has failed.
  [[nodiscard]] std::optional<std::size_t> send(std::string_view bytes) const;

  struct Received {
    std::size_t size = 0;
    bool is_end = false;  // the server has closed, or the connection has failed
  };
  [[nodiscard]] Received receive(std::span<char> into) const;

  void watch(bool readable, bool writable) const;
  void close();

 private:
  int descriptor_ = -1;
  int epoll_ = -1;
  void* tag_ = nullptr;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace wsd::load
