// A number in memory that processes share: one of them writes it, others look at any time.

#pragma once

#include <atomic>
#include <cstdint>

namespace wsd::bench {

class Counter {
 public:
  // A plain addition: nobody else writes.
  void add(std::uint64_t count = 1) { value_.store(value() + count, std::memory_order_relaxed); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace wsd::bench
