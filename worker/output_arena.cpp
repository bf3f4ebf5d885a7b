#include "worker/output_arena.h"

#include <new>

namespace wsd::worker {

OutputArena::OutputArena(std::size_t capacity)
    // Left uninitialised: the pages that no turn reaches are never touched.
    : begin_(std::make_unique_for_overwrite<std::byte[]>(capacity)),
      top_(begin_.get()),
      end_(begin_.get() + capacity) {}

std::byte* OutputArena::extend(Chain& chain, std::size_t size) {
  if (chain.last_ != nullptr && chain.last_->bytes() + chain.last_->size == top_) {
    if (static_cast<std::size_t>(end_ - top_) < size) return nullptr;
  } else {
    const auto misaligned = reinterpret_cast<std::uintptr_t>(top_) % alignment;
    const std::size_t padding = misaligned == 0 ? 0 : alignment - misaligned;
    if (static_cast<std::size_t>(end_ - top_) < padding + sizeof(Extent) + size) return nullptr;
    auto* extent = new (top_ + padding) Extent();
    top_ = extent->bytes();
    (chain.last_ == nullptr ? chain.first_ : chain.last_->next) = extent;
    chain.last_ = extent;
  }
  std::byte* const room = top_;
  top_ += size;
  chain.last_->size += size;
  chain.size_ += size;
  return room;
}

std::size_t OutputArena::take(Chain& chain, std::span<iovec> pieces) {
  std::size_t count = 0;
  for (; chain.first_ != nullptr && count < pieces.size(); chain.first_ = chain.first_->next) {
    pieces[count++] = {.iov_base = chain.first_->bytes(), .iov_len = chain.first_->size};
    chain.size_ -= chain.first_->size;
  }
  if (chain.first_ == nullptr) chain.last_ = nullptr;
  return count;
}

}  // namespace wsd::worker
