#include "tests/wsbench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <type_traits>
#include <vector>

namespace wsd::bench {
namespace {

using std::chrono::nanoseconds;

static_assert(std::is_trivially_copyable_v<LatencyHistogram>);

class LatencyHistogramTest : public testing::Test {
 protected:
  void record(std::int64_t value) {
    histogram_->record(nanoseconds(value));
    values_.push_back(value);
  }
  // The smallest value that `share` of all do not exceed.
  std::int64_t exact(double share) {
    std::ranges::sort(values_);
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values_.size())));
    return values_[std::max<std::size_t>(rank, 1) - 1];
  }
  void expect_exact_percentiles() {
    for (const double share : {0.0, 0.001, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0}) {
      const auto expected = static_cast<double>(exact(share));
      EXPECT_NEAR(static_cast<double>(histogram_->percentile(share).count()), expected, expected / 1000) << share;
    }
  }

  std::unique_ptr<LatencyHistogram> histogram_ = std::make_unique<LatencyHistogram>();
  std::vector<std::int64_t> values_;
};

TEST_F(LatencyHistogramTest, SaysNothingOfNothing) {
  EXPECT_EQ(histogram_->count(), 0U);
  EXPECT_EQ(histogram_->percentile(0.99), nanoseconds(0));
  EXPECT_EQ(histogram_->mean(), nanoseconds(0));
  EXPECT_EQ(histogram_->stdev(), nanoseconds(0));
  EXPECT_EQ(histogram_->max(), nanoseconds(0));
  EXPECT_EQ(histogram_->share_within_stdev(), 0);
}

TEST_F(LatencyHistogramTest, ReadsEveryMagnitudeToThreeDigits) {
  for (double value = 1; value < 1e12; value *= 1.011) {
    *histogram_ = {};
    const auto latency = static_cast<std::int64_t>(value);
    histogram_->record(nanoseconds(latency));
    histogram_->record(nanoseconds(std::int64_t{1} << 39), 1000);  // so that max() does not help
    const auto read = static_cast<double>(histogram_->percentile(0.0001).count());
    ASSERT_NEAR(read, static_cast<double>(std::min(latency, std::int64_t{1} << 39)), value * 0.0006) << latency;
  }
}

TEST_F(LatencyHistogramTest, HasThePercentilesOfWhatWasRecorded) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> usual(11, 1.2);
  for (int i = 0; i < 200'000; ++i) record(static_cast<std::int64_t>(usual(random)));
  for (int i = 0; i < 100; ++i) record(1'000'000'000 + i * 7'000'000);
  expect_exact_percentiles();
}

TEST_F(LatencyHistogramTest, IsExactBelowTwoMicroseconds) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 10'000; ++i) record(static_cast<std::int64_t>(random() % 2048));
  for (const double share : {0.1, 0.5, 0.9, 0.99}) EXPECT_EQ(histogram_->percentile(share).count(), exact(share));
}

TEST_F(LatencyHistogramTest, HasMeanAndDeviation) {
  std::mt19937_64 random(9);
  std::normal_distribution<double> usual(1e6, 1e5);
  double sum = 0, squares = 0;
  constexpr int times = 100'000;
  for (int i = 0; i < times; ++i) record(static_cast<std::int64_t>(usual(random)));
  for (const std::int64_t value : values_) sum += static_cast<double>(value);
  for (const std::int64_t value : values_) squares += std::pow(static_cast<double>(value) - sum / times, 2);
  EXPECT_EQ(histogram_->mean().count(), static_cast<std::int64_t>(sum / times));
  EXPECT_NEAR(static_cast<double>(histogram_->stdev().count()), std::sqrt(squares / times), 100);
  EXPECT_NEAR(histogram_->share_within_stdev(), 0.6827, 0.01);
  EXPECT_EQ(histogram_->max().count(), exact(1));
}

TEST_F(LatencyHistogramTest, MergesAsIfOneHadRecordedAll) {
  LatencyHistogram other;
  for (int i = 1; i <= 1000; ++i) record(i * 1000);
  for (int i = 1; i <= 3000; ++i) {
    other.record(nanoseconds(i * 500'000));
    values_.push_back(i * 500'000);
  }
  histogram_->merge(other);
  EXPECT_EQ(histogram_->count(), 4000U);
  EXPECT_EQ(histogram_->max().count(), 1'500'000'000);
  expect_exact_percentiles();
}

TEST_F(LatencyHistogramTest, CountsSeveralAtOnce) {
  histogram_->record(nanoseconds(100), 99);
  histogram_->record(nanoseconds(900));
  EXPECT_EQ(histogram_->count(), 100U);
  EXPECT_EQ(histogram_->percentile(0.99), nanoseconds(100));
  EXPECT_EQ(histogram_->percentile(0.991), nanoseconds(900));
  EXPECT_EQ(histogram_->mean(), nanoseconds(108));
}

TEST_F(LatencyHistogramTest, KeepsWhatIsOutOfItsRange) {
  histogram_->record(nanoseconds(-5));
  histogram_->record(std::chrono::hours(2));
  EXPECT_EQ(histogram_->count(), 2U);
  EXPECT_EQ(histogram_->percentile(0.5), nanoseconds(0));
  EXPECT_EQ(histogram_->percentile(1), std::chrono::hours(2));
}

}  // namespace
}  // namespace wsd::bench
