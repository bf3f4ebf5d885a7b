// Sockets for tests: pairs, and the peer's end of one.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "worker/file_descriptor.h"

namespace wsd::worker::test {

// Two connected ends of a stream, both non-blocking.
inline std::pair<FileDescriptor, FileDescriptor> socket_pair() {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// The smallest that the kernel grants.
inline void shrink_send_buffer(int socket) {
  const int size = 1;
  EXPECT_EQ(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

inline bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// A client that does what it is told and nothing by itself.
class Peer {
 public:
  explicit Peer(FileDescriptor socket) : socket_(std::move(socket)) {}

  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void send(std::span<const std::byte> bytes) const { send(std::string_view(text_of(bytes))); }

  // Everything that is there now, or up to `limit` bytes of it.
  std::string receive(std::size_t limit = std::string::npos) {
    std::string all;
    std::array<char, 4096> buffer;
    while (all.size() < limit) {
      const ssize_t count = ::recv(socket_.get(), buffer.data(), std::min(buffer.size(), limit - all.size()), 0);
      ended_ = ended_ || count == 0 || (count < 0 && errno == ECONNRESET);
      if (count <= 0) break;
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }
  // The last receive() met the end of the stream.
  [[nodiscard]] bool ended() const { return ended_; }

  void finish() const { ::shutdown(socket_.get(), SHUT_WR); }
  void hang_up() { socket_.reset(); }
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  FileDescriptor socket_;
  bool ended_ = false;
};

}  // namespace wsd::worker::test
