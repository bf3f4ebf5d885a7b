#include "tests/load/latency_histogram.h"

#include <algorithm>
#include <bit>

namespace wsd::load {

void LatencyHistogram::record(std::chrono::nanoseconds latency, std::uint64_t times) {
  counts_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0)))] += times;
  total_ += times;
  max_ = std::max(max_, latency);
}

std::chrono::nanoseconds LatencyHistogram::percentile(double share) const {
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen > 0 && static_cast<double>(seen) >= share * static_cast<double>(total_)) {
      return std::min(std::chrono::nanoseconds(upper_end(bucket)), max_);
    }
  }
  return max_;
}

// The values below 64 have a bucket each; above, every power of two has 64.
std::size_t LatencyHistogram::bucket_of(std::uint64_t nanoseconds) {
  const auto width = static_cast<unsigned>(std::bit_width(nanoseconds));
  if (width <= precision_bits) return nanoseconds;
  const unsigned shift = width - precision_bits - 1;
  return (std::size_t{shift} << precision_bits) + (nanoseconds >> shift);
}

std::uint64_t LatencyHistogram::upper_end(std::size_t bucket) {
  if (bucket < (2U << precision_bits)) return bucket;
  const std::size_t shift = (bucket >> precision_bits) - 1;
  return ((bucket - (shift << precision_bits) + 1) << shift) - 1;
}

}  // namespace wsd::load
