// Where everything that is sent during one turn of the loop is put together: one buffer per worker, not per connection.
//
// Each connection that sends has a *chain* of extents here; consecutive sends of one connection grow one extent, so its
// whole turn usually leaves with one send(). Extents live until reset(), that is, until every chain was flushed at the
// end of the turn. Nothing is allocated per message. An extent may also stand for bytes that lie elsewhere.

#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "worker/shared_frame.h"

namespace wsd::worker {

class OutputArena {
  struct Extent {
    Extent* next = nullptr;  // of the last one: the first one
    std::size_t size = 0;
    std::size_t chain_size = 0;          // of the first one: all of the chain's bytes
    const SharedFrame* frame = nullptr;  // its bytes, instead of those behind the extent
    const std::byte* lent = nullptr;     // likewise
    std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  };

 public:
  // One connection's output of this turn. Empty outside a turn, and therefore no more than a pointer.
  class Chain {
   public:
    [[nodiscard]] bool empty() const { return last_ == nullptr; }
    [[nodiscard]] std::size_t size() const { return last_ == nullptr ? 0 : last_->next->chain_size; }

   private:
    friend class OutputArena;
    Extent* last_ = nullptr;
  };

  explicit OutputArena(std::size_t capacity);

  // `size` bytes at the end of `chain`, to be filled by the caller; null when the arena is full.
  [[nodiscard]] std::byte* extend(Chain& chain, std::size_t size);

  // A shared frame at the end of `chain`, by reference: `frame` itself must outlive the turn. False when the arena is
  // full.
  [[nodiscard]] bool extend(Chain& chain, const SharedFrame& frame);

  // The same, and behind them `lent`, which stays where it is and must outlive the chain.
  [[nodiscard]] std::byte* extend(Chain& chain, std::size_t size, std::span<const std::byte> lent);

  // What take() gives: bytes to write, and the frame they are, if they are one.
  struct Pieces {
    static constexpr std::size_t capacity = 64;
    std::array<iovec, capacity> data;
    std::array<const SharedFrame*, capacity> frames;
    std::size_t count = 0;
  };
  // Moves the front of the chain into `pieces`, as far as they go. The bytes stay where they are until reset().
  static void take(Chain& chain, Pieces& pieces);

  // Forgets every extent. Every chain must be empty.
  void reset() { top_ = begin_.get(); }

 private:
  static constexpr std::size_t alignment = alignof(Extent);

  [[nodiscard]] Extent* add_extent(Chain& chain, std::size_t size);

  std::unique_ptr<std::byte[]> begin_;
  std::byte* top_;
  std::byte* end_;
};

}  // namespace wsd::worker
