// Room for bytes that is used over and over: what is written anew for each message, and read before the next.
//
// Owned by whoever has many messages and one at a time, such as a worker. Keeps a usual message's room, and gives that
// of a large one back.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

namespace wsd::protocol {

class ScratchBuffer {
 public:
  // Valid until the next room() or clear().
  [[nodiscard]] std::span<const std::byte> bytes() const { return {buffer_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  // Where to write what comes next: one byte at least, and `most` at most, which is not 0. What is there may move.
  [[nodiscard]] std::span<std::byte> room(std::size_t most);
  // So many bytes of it have been written.
  void take(std::size_t size) { size_ += size; }

  // Forgets the bytes.
  void clear();

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };

  std::unique_ptr<std::byte, Free> buffer_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace wsd::protocol
