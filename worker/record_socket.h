// One end of a stream of records between two of our processes, with descriptors riding along.
//
// SOCK_SEQPACKET: the kernel keeps each record's boundary and its descriptors with it, in order, and says when the
// other end is gone. Non-blocking. A record is at most max_record_size bytes and carries at most max_descriptors.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "worker/file_descriptor.h"

namespace wsd::worker {

class RecordSocket {
 public:
  static constexpr std::size_t max_record_size = 64 * 1024;
  static constexpr std::size_t max_descriptors = 250;  // the kernel's SCM_MAX_FD is 253

  enum class Status : std::uint8_t {
    done,
    would_block,  // the other end is slow (send), or silent (receive)
    ended,        // the other end is gone
    failed,       // the record or its descriptors did not arrive whole: out of descriptors
  };

  struct Received {
    Status status = Status::would_block;
    std::vector<std::byte> bytes;
    std::vector<FileDescriptor> descriptors;
  };

  RecordSocket() = default;
  explicit RecordSocket(FileDescriptor socket) : socket_(std::move(socket)) {}
  // Throws std::system_error when there are no descriptors left.
  [[nodiscard]] static std::pair<RecordSocket, RecordSocket> make_pair();

  [[nodiscard]] Status send(std::span<const std::byte> record, std::span<const int> descriptors = {}) const;
  [[nodiscard]] Received receive() const;

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }

 private:
  FileDescriptor socket_;
};

}  // namespace wsd::worker
