#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tests/wsbench/network_address.h"
#include "tests/wsbench/poller.h"

namespace wsd::bench {

// A TCP socket of a client. Owns its descriptor. Never waits.
class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins to connect, from `source` unless that is null, and registers for reading with `tag` as its event's data.
  // Returns errno, or 0. On a loopback the connection is there at once; elsewhere sending says 0 until it is.
  [[nodiscard]] int connect(const NetworkAddress& target, const NetworkAddress* source, Poller& poller, void* tag);

  struct Moved {
    std::size_t size = 0;
    bool is_end = false;  // the peer has closed, or the connection has failed: error() says which
  };
  [[nodiscard]] Moved send(std::string_view bytes);
  [[nodiscard]] Moved receive(std::span<std::byte> into);
  [[nodiscard]] int error() const { return error_; }  // errno of what failed last; 0: the peer has closed

  void watch_writable(bool on) const { poller_->change(descriptor_, tag_, EPOLLIN | (on ? EPOLLOUT : 0U)); }
  void close();

 private:
  int descriptor_ = -1;
  int error_ = 0;
  Poller* poller_ = nullptr;
  void* tag_ = nullptr;
};

}  // namespace wsd::bench
