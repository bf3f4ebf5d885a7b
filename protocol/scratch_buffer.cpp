#include "protocol/scratch_buffer.h"

#include <algorithm>

#include "protocol/assertion.h"
#include "protocol/out_of_memory.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t first_capacity = 16 * 1024;
constexpr std::size_t kept_capacity = 128 * 1024;

}  // namespace

std::span<std::byte> ScratchBuffer::room(std::size_t most) {
  WSD_ASSERT(most > 0);
  if (size_ == capacity_) {
    const std::size_t capacity = std::max(first_capacity, size_ + std::min(size_, most));
    // As in MessageAssembler: realloc moves large blocks by their page tables.
    void* const grown = std::realloc(buffer_.get(), capacity);
    if (grown == nullptr) out_of_memory();
    static_cast<void>(buffer_.release());
    buffer_.reset(static_cast<std::byte*>(grown));
    capacity_ = capacity;
  }
  return {buffer_.get() + size_, std::min(most, capacity_ - size_)};
}

void ScratchBuffer::clear() {
  size_ = 0;
  if (capacity_ <= kept_capacity) return;
  buffer_.reset();
  capacity_ = 0;
}

}  // namespace wsd::protocol
