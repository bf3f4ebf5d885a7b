#include "protocol/message_assembler.h"

#include <algorithm>
#include <cstring>

#include "protocol/assertion.h"
#include "protocol/out_of_memory.h"

namespace wsd::protocol {
namespace {

// Small messages get their room at once.
constexpr std::size_t first_capacity = 512;

}  // namespace

void MessageAssembler::append(std::span<const std::byte> bytes, std::size_t final_size) {
  if (bytes.empty()) return;
  const std::size_t needed = size_ + bytes.size();
  WSD_ASSERT(needed <= final_size);
  if (needed > capacity_) grow(needed, final_size);
  std::memcpy(buffer_.get() + size_, bytes.data(), bytes.size());
  size_ = needed;
}

void MessageAssembler::grow(std::size_t needed, std::size_t final_size) {
  const std::size_t capacity = std::min(std::max({needed, 2 * capacity_, first_capacity}), final_size);
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
