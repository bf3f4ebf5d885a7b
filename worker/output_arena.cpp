#include "worker/output_arena.h"

#include <new>

namespace wsd::worker {

OutputArena::OutputArena(std::size_t capacity)
    // Left uninitialised: the pages that no turn reaches are never touched.
    : begin_(std::make_unique_for_overwrite<std::byte[]>(capacity)),
      top_(begin_.get()),
      end_(begin_.get() + capacity) {}

std::byte* OutputArena::extend(Chain& chain, std::size_t size) {
  const bool grows = chain.last_ != nullptr && chain.last_->frame == nullptr && chain.last_->lent == nullptr &&
                     chain.last_->bytes() + chain.last_->size == top_;
  if (grows) {
    if (static_cast<std::size_t>(end_ - top_) < size) return nullptr;
  } else if (add_extent(chain, size) == nullptr) {
    return nullptr;
  }
  std::byte* const room = top_;
  top_ += size;
  chain.last_->size += size;
  chain.last_->next->chain_size += size;
  return room;
}

bool OutputArena::extend(Chain& chain, const SharedFrame& frame) {
  Extent* const extent = add_extent(chain, 0);
  if (extent == nullptr) return false;
  extent->frame = &frame;
  extent->size = frame.size();
  chain.last_->next->chain_size += frame.size();
  return true;
}

std::byte* OutputArena::extend(Chain& chain, std::size_t size, std::span<const std::byte> lent) {
  // All of it or nothing.
  if (static_cast<std::size_t>(end_ - top_) < size + 2 * (alignment + sizeof(Extent))) return nullptr;
  std::byte* const room = extend(chain, size);
  Extent* const extent = add_extent(chain, 0);
  extent->lent = lent.data();
  extent->size = lent.size();
  chain.last_->next->chain_size += lent.size();
  return room;
}

// An empty one at the end of the chain, with room for `size` bytes behind it; null when the arena is full.
OutputArena::Extent* OutputArena::add_extent(Chain& chain, std::size_t size) {
  const auto misaligned = reinterpret_cast<std::uintptr_t>(top_) % alignment;
  const std::size_t padding = misaligned == 0 ? 0 : alignment - misaligned;
  if (static_cast<std::size_t>(end_ - top_) < padding + sizeof(Extent) + size) return nullptr;
  auto* extent = new (top_ + padding) Extent();
  top_ = extent->bytes();
  extent->next = chain.last_ == nullptr ? extent : chain.last_->next;
  if (chain.last_ != nullptr) chain.last_->next = extent;
  chain.last_ = extent;
  return extent;
}

void OutputArena::take(Chain& chain, Pieces& pieces) {
  pieces.count = 0;
  std::size_t left = chain.size();
  while (!chain.empty() && pieces.count < Pieces::capacity) {
    Extent& first = *chain.last_->next;
    const std::byte* const bytes = first.frame != nullptr  ? first.frame->bytes().data()
                                   : first.lent != nullptr ? first.lent
                                                           : first.bytes();
    pieces.data[pieces.count] = {.iov_base = const_cast<std::byte*>(bytes), .iov_len = first.size};
    pieces.frames[pieces.count] = first.frame;
    ++pieces.count;
    left -= first.size;
    if (&first == chain.last_) {
      chain.last_ = nullptr;
    } else {
      chain.last_->next = first.next;
    }
  }
  if (!chain.empty()) chain.last_->next->chain_size = left;
}

}  // namespace wsd::worker
