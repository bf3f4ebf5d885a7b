// The bytes of a message that does not lie whole in one input: one flat buffer, no object per fragment.
//
// Grows with what has arrived, never with what a header declares, so announcing a large message costs the announcer its
// bytes first. Knows neither frames nor limits. Owned by a Session; an empty one owns no heap memory.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

namespace wsd::protocol {

class MessageAssembler {
 public:
  MessageAssembler() = default;
  MessageAssembler(MessageAssembler&& other) noexcept
      : buffer_(std::move(other.buffer_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  MessageAssembler& operator=(MessageAssembler&& other) noexcept {
    buffer_ = std::move(other.buffer_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // `final_size`: the message will be no larger than this, so the buffer need not be either.
  void append(std::span<const std::byte> bytes, std::size_t final_size);

  // Memory behind the bytes, at most `most`: what is written there and then appended is not copied. None only if `most`
  // is 0. Valid until the next append(), room() or release().
  [[nodiscard]] std::span<std::byte> room(std::size_t most, std::size_t final_size);

  // Valid until the next append(), room() or release(); survives a move.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {buffer_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Forgets the bytes and gives the memory back.
  void release();

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };

  void grow(std::size_t needed, std::size_t final_size);

  std::unique_ptr<std::byte, Free> buffer_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace wsd::protocol
