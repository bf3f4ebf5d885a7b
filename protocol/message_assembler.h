// The bytes of a message that does not lie whole in one input: one flat buffer, no object per fragment.
//
// Grows with what has arrived, never with what a header declares, so announcing a large message costs the announcer its
// bytes first. Knows neither frames nor limits. Owned by a Session; an empty one owns no heap memory.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

namespace wsd::protocol {

class MessageAssembler {
 public:
  // `final_size`: the message will be no larger than this, so the buffer need not be either.
  void append(std::span<const std::byte> bytes, std::size_t final_size);

  // Memory behind the bytes, at most `most`: what is written there and then appended is not copied. None only if `most`
  // is 0. Valid until the next append(), room() or release().
  [[nodiscard]] std::span<std::byte> room(std::size_t most, std::size_t final_size);

  // Valid until the next append(), room() or release(); survives a move.
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return empty() ? std::span<const std::byte>() : std::span<const std::byte>(block_->bytes(), block_->size);
  }
  [[nodiscard]] std::size_t size() const { return block_ == nullptr ? 0 : block_->size; }
  [[nodiscard]] std::size_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  [[nodiscard]] bool empty() const { return size() == 0; }

  // Forgets the bytes and gives the memory back.
  void release() { block_.reset(); }

 private:
  // The buffer: this and then its bytes, so that an empty assembler is one pointer.
  struct Block {
    std::size_t size;
    std::size_t capacity;  // of the bytes
    [[nodiscard]] std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  };
  struct Free {
    void operator()(Block* block) const { std::free(block); }
  };

  void grow(std::size_t needed, std::size_t final_size);

  std::unique_ptr<Block, Free> block_;
};

}  // namespace wsd::protocol
