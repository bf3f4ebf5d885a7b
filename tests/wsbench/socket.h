#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/wsbench/network_address.h"
#include "tests/wsbench/poller.h"
#include "tests/wsbench/tls_stream.h"

namespace wsd::bench {

// A TCP socket of a client, with TLS on it where that is wanted. Owns its descriptor. Never waits.
class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins to connect, from `source` unless that is null, and registers for reading with `tag` as its event's data.
  // Returns errno, or 0. On a loopback the connection is there at once; elsewhere, and with TLS, sending says 0 until
  // it is. `tls`: null, or outlives the socket. `receive_buffer`: in bytes; 0: the kernel's own choice.
  [[nodiscard]] int connect(const NetworkAddress& target, const NetworkAddress* source, const TlsContext* tls,
                            int receive_buffer, Poller& poller, void* tag);

  struct Moved {
    std::size_t size = 0;
    bool is_end = false;  // the peer has closed, or the connection has failed: error() says which
  };
  [[nodiscard]] Moved send(std::string_view bytes);
  // `into` has room for TlsStream::max_record.
  [[nodiscard]] Moved receive(std::span<std::byte> into);
  [[nodiscard]] int error() const { return error_; }  // errno of what failed last; 0: the peer has closed
  // Why TLS failed, for people; empty if it did not.
  [[nodiscard]] std::string tls_problem() const { return tls_ ? tls_->problem() : ""; }

  void watch_writable(bool on);
  // Off: what comes waits in the kernel, and the peer's end is not noticed.
  void watch_readable(bool on);
  void close();

 private:
  // A step of the handshake, until there is TLS. False: it has failed.
  bool open_tls();
  [[nodiscard]] Moved moved(const TlsStream::Moved& moved);
  void watch() const;

  int descriptor_ = -1;
  int error_ = 0;
  Poller* poller_ = nullptr;
  void* tag_ = nullptr;
  bool reads_ = true;
  bool writes_ = false;  // somebody waits for room
  std::unique_ptr<TlsStream> tls_;
  TlsStream::State tls_state_ = TlsStream::State::done;  // of the handshake
};

}  // namespace wsd::bench
