#include "protocol/message_assembler.h"

#include <algorithm>
#include <cstring>
#include <new>

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
  const std::size_t needed = size() + bytes.size();
  WSD_ASSERT(needed <= final_size);
  const bool is_there = block_ != nullptr && bytes.data() == block_->bytes() + block_->size;
  if (is_there) WSD_ASSERT(needed <= capacity());
  if (needed > capacity()) grow(needed, final_size);
  if (!is_there) std::memcpy(block_->bytes() + block_->size, bytes.data(), bytes.size());
  block_->size = needed;
}

std::span<std::byte> MessageAssembler::room(std::size_t most, std::size_t final_size) {
  WSD_ASSERT(size() + most <= final_size);
  if (most == 0) return {};
  if (size() == capacity()) grow(size() + 1, final_size);
  return {block_->bytes() + block_->size, std::min(most, block_->capacity - block_->size)};
}

void MessageAssembler::grow(std::size_t needed, std::size_t final_size) {
  const std::size_t size_before = size();
  const std::size_t capacity = std::min(std::max(growth * needed, first_capacity), final_size);
  // realloc moves large blocks by their page tables, which new and copy cannot.
  void* grown = std::realloc(block_.get(), sizeof(Block) + capacity);
  if (grown == nullptr) out_of_memory();
  static_cast<void>(block_.release());
  block_.reset(new (grown) Block{.size = size_before, .capacity = capacity});
}

}  // namespace wsd::protocol
