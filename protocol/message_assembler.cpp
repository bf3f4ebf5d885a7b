#include "protocol/message_assembler.h"

#include <algorithm>
#include <cstring>

#include "protocol/assertion.h"
#include "protocol/out_of_memory.h"

namespace wsd::protocol {
namespace {

// Small messages get their room at once.
constexpr std::size_t first_capacity = 512;
// What has arrived pays for so many times as much.
constexpr std::size_t growth = 8;

}  // namespace

void MessageAssembler::append(std::span<const std::byte> bytes, std::size_t final_size) {
  if (bytes.empty()) return;
  const std::size_t needed = size_ + bytes.size();
  WSD_ASSERT(needed <= final_size);
  const bool is_there = bytes.data() == buffer_.get() + size_;
  if (is_there) WSD_ASSERT(needed <= capacity_);
  if (needed > capacity_) grow(needed, final_size);
  if (!is_there) std::memcpy(buffer_.get() + size_, bytes.data(), bytes.size());
  size_ = needed;
}

std::span<std::byte> MessageAssembler::room(std::size_t most, std::size_t final_size) {
  WSD_ASSERT(size_ + most <= final_size);
  if (size_ == capacity_ && most > 0) grow(size_ + 1, final_size);
  return {buffer_.get() + size_, std::min(most, capacity_ - size_)};
}

void MessageAssembler::grow(std::size_t needed, std::size_t final_size) {
  const std::size_t capacity = std::min(std::max(growth * needed, first_capacity), final_size);
  // realloc moves large blocks by their page tables, which new and copy cannot.
  void* grown = std::realloc(buffer_.get(), capacity);
  if (grown == nullptr) out_of_memory();
  static_cast<void>(buffer_.release());
  buffer_.reset(static_cast<std::byte*>(grown));
  capacity_ = capacity;
}

void MessageAssembler::release() {
  buffer_.reset();
  size_ = 0;
  capacity_ = 0;
}

}  // namespace wsd::protocol
