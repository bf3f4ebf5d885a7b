#include "tests/wsbench/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace wsd::bench {
namespace {

std::chrono::nanoseconds rounded(double nanoseconds) {
  return std::chrono::nanoseconds(std::llround(nanoseconds));
}

}  // namespace

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t LatencyHistogram::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::chrono::nanoseconds LatencyHistogram::mean() const {
  const std::uint64_t all = count();
  return std::chrono::nanoseconds(all == 0 ? 0 : sum_ / all);
}

std::chrono::nanoseconds LatencyHistogram::stdev() const {
  const std::uint64_t all = count();
  if (all == 0) return {};
  const double mean = static_cast<double>(sum_) / static_cast<double>(all);
  double squares = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (counts_[i] == 0) continue;
    const double distance = middle_of(i) - mean;
    squares += static_cast<double>(counts_[i]) * distance * distance;
  }
  return rounded(std::sqrt(squares / static_cast<double>(all)));
}

std::chrono::nanoseconds LatencyHistogram::percentile(double share) const {
  const auto wanted = share * static_cast<double>(count());
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets - 1; ++i) {
    seen += counts_[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(rounded(middle_of(i)), max());
  }
  return max();
}

double LatencyHistogram::share_within_stdev() const {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const auto mean = static_cast<double>(sum_) / static_cast<double>(all);
  const auto deviation = static_cast<double>(stdev().count());
  std::uint64_t within = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (counts_[i] > 0 && std::abs(middle_of(i) - mean) <= deviation) within += counts_[i];
  }
  return static_cast<double>(within) / static_cast<double>(all);
}

double LatencyHistogram::middle_of(std::size_t bucket) {
  if (bucket < (2U << precision_bits)) return static_cast<double>(bucket);
  const std::size_t shift = (bucket >> precision_bits) - 1;
  const std::uint64_t begin = (bucket - (shift << precision_bits)) << shift;
  return static_cast<double>(begin) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2;
}

}  // namespace wsd::bench
