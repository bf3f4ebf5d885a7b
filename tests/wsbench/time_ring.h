// When messages are due, by their number: those from the oldest that is not answered to the newest.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/wsbench/clock.h"

namespace wsd::bench {

class TimeRing {
 public:
  explicit TimeRing(std::size_t capacity) : times_(std::bit_ceil(capacity)) {}

  [[nodiscard]] Time at(std::uint64_t number) const { return times_[number & (times_.size() - 1)]; }
  // `oldest`: the lowest number that at() will be asked for.
  void set(std::uint64_t number, Time time, std::uint64_t oldest) {
    if (number - oldest >= times_.size()) grow(oldest, number);
    times_[number & (times_.size() - 1)] = time;
  }

 private:
  void grow(std::uint64_t oldest, std::uint64_t end) {
    std::vector<Time> larger(2 * times_.size());
    for (std::uint64_t number = oldest; number != end; ++number) larger[number & (larger.size() - 1)] = at(number);
    times_ = std::move(larger);
  }

  std::vector<Time> times_;
};

}  // namespace wsd::bench
