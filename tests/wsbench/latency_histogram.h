// Latencies, counted so that any percentile of them can be read to three significant digits.
//
// Log-linear, as HdrHistogram has it: every power of two has 1024 buckets, so that a bucket is at most 1/1024 of its
// values wide and what is read, the middle of one, is less than 0.05 % off. Fixed size (248 KiB), no pointers: one may
// live in memory that processes share, written by one of them.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace wsd::bench {

class LatencyHistogram {
 public:
  // Less than nothing counts as nothing, and more than 18 minutes (2^40 ns) as the last bucket; max() keeps the truth.
  void record(std::chrono::nanoseconds latency, std::uint64_t times = 1) {
    const auto value = static_cast<std::uint64_t>(latency.count() < 0 ? 0 : latency.count());
    counts_[bucket_of(value)] += times;
    sum_ += value * times;
    if (value > max_) max_ = value;
  }
  void merge(const LatencyHistogram& other);

  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::chrono::nanoseconds max() const { return std::chrono::nanoseconds(max_); }
  [[nodiscard]] std::chrono::nanoseconds mean() const;
  [[nodiscard]] std::chrono::nanoseconds stdev() const;
  // The latency that `share` (0 to 1) of all those recorded do not exceed; 0 if there are none.
  [[nodiscard]] std::chrono::nanoseconds percentile(double share) const;
  // Which share of all is at most one standard deviation from the mean.
  [[nodiscard]] double share_within_stdev() const;

 private:
  static constexpr unsigned precision_bits = 10;
  static constexpr unsigned value_bits = 40;
  static constexpr std::size_t buckets = (value_bits - precision_bits + 1) << precision_bits;

  // The values below 2048 have a bucket each; above, every power of two has 1024.
  static std::size_t bucket_of(std::uint64_t value) {
    const auto width = 64U - static_cast<unsigned>(__builtin_clzll(value | 1U));
    if (width <= precision_bits) return value;
    if (width > value_bits) return buckets - 1;
    const unsigned shift = width - precision_bits - 1;
    return (std::size_t{shift} << precision_bits) + (value >> shift);
  }
  static double middle_of(std::size_t bucket);

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t sum_ = 0;  // of nanoseconds
  std::uint64_t max_ = 0;
};

}  // namespace wsd::bench
