// A client's byte stream: plaintext in, plaintext out, whatever lies below. The layers above never ask which.
//
// Owned by its connection, owns its descriptor. Never blocks and never calls back: who waits watches descriptor().

#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "worker/tls_protocol.h"

namespace wsd::worker {

// What a read or write came to.
struct Transfer {
  enum class Status : std::uint8_t {
    done,         // `bytes` moved: at least 1 for a read; a write may have taken less than it was given
    would_block,  // nothing moved; watch the descriptor
    ended,        // read only: the peer has sent its last byte
    failed,       // the stream is dead: `error` is the errno
  };
  Status status = Status::would_block;
  std::size_t bytes = 0;
  int error = 0;
  bool more = false;  // read only: the descriptor may have more, and an edge-triggered watch does not tell
};

class Transport {
 public:
  virtual ~Transport() = default;

  // No buffer that is read into is smaller.
  static constexpr std::size_t min_read_buffer = 64 * 1024;

  // Reads once, into `first`, which may be empty, and from the front of `buffer` what that has no room for.
  [[nodiscard]] virtual Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) = 0;
  // Writes once, gathering up to IOV_MAX pieces; may be short. Without pieces it goes on with what is unsent.
  [[nodiscard]] virtual Transfer write(std::span<const iovec> pieces) = 0;
  // Tells the peer that no more bytes follow; reading goes on.
  virtual void shutdown_write() = 0;
  // Makes the coming destruction reset the stream instead of finishing it.
  virtual void abort() = 0;
  [[nodiscard]] virtual int descriptor() const = 0;

  // False while it has first to agree with its peer on how to talk: reads make that go on, and writes take nothing.
  [[nodiscard]] virtual bool is_ready() const { return true; }
  // It has taken bytes that the kernel has not: watch for writing, also when there is nothing more to write.
  [[nodiscard]] virtual bool has_unsent() const { return false; }
  // The next read has something to tell that the descriptor may keep quiet about.
  [[nodiscard]] virtual bool has_buffered_input() const { return false; }
  // The descriptor is all there is to it: another process can go on with that alone.
  [[nodiscard]] virtual bool is_movable() const { return true; }
  // Once it is ready.
  [[nodiscard]] virtual TlsProtocol tls() const { return TlsProtocol::none; }
};

}  // namespace wsd::worker
