#include "tests/wsbench/size_distribution.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>

namespace wsd::bench {
namespace {

std::string complaint(std::string_view text) {
  try {
    static_cast<void>(SizeDistribution::parse(text));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(SizeDistributionTest, IsOneSize) {
  Random random(1);
  for (const auto& [text, size] : std::map<std::string, std::size_t>{
           {"0", 0}, {"20", 20}, {"1k", 1024}, {"16K", 16384}, {"1M", 1048576}, {"1024m", 1U << 30U}}) {
    const auto sizes = SizeDistribution::parse(text);
    EXPECT_TRUE(sizes.is_fixed()) << text;
    EXPECT_EQ(sizes.sample(random), size) << text;
    EXPECT_EQ(sizes.mean(), static_cast<double>(size)) << text;
  }
}

TEST(SizeDistributionTest, IsARangeWithBothEnds) {
  const auto sizes = SizeDistribution::parse("3-6");
  Random random(2);
  std::map<std::size_t, int> seen;
  for (int i = 0; i < 40'000; ++i) ++seen[sizes.sample(random)];
  ASSERT_EQ(seen.size(), 4U);
  for (std::size_t size = 3; size <= 6; ++size) EXPECT_NEAR(seen[size], 10'000, 500) << size;
  EXPECT_EQ(sizes.smallest(), 3U);
  EXPECT_EQ(sizes.largest(), 6U);
  EXPECT_EQ(sizes.mean(), 4.5);
  EXPECT_FALSE(sizes.is_fixed());
}

TEST(SizeDistributionTest, HasProportions) {
  const auto sizes = SizeDistribution::parse("20:90,1k:9,2k-4k:1");
  Random random(3);
  std::map<std::size_t, int> seen;
  for (int i = 0; i < 100'000; ++i) ++seen[std::min<std::size_t>(sizes.sample(random), 2048)];
  EXPECT_NEAR(seen[20], 90'000, 900);
  EXPECT_NEAR(seen[1024], 9'000, 300);
  EXPECT_NEAR(seen[2048], 1'000, 100);
  EXPECT_EQ(sizes.largest(), 4096U);
  EXPECT_DOUBLE_EQ(sizes.mean(), 20 * 0.9 + 1024 * 0.09 + 3072 * 0.01);
}

TEST(SizeDistributionTest, IsTheSameForTheSameSeed) {
  const auto sizes = SizeDistribution::parse("1-1M");
  Random one(4), same(4), other(5);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::size_t size = sizes.sample(one);
    EXPECT_EQ(size, sizes.sample(same));
    differs = differs || size != sizes.sample(other);
  }
  EXPECT_TRUE(differs);
}

TEST(SizeDistributionTest, SaysWhatIsWrong) {
  const std::string form = "; sizes look like 20, 1k, 64-4096 or 20:90,1k:9,64k:1";
  EXPECT_EQ(complaint(""), "size '': not a number of bytes, k or M" + form);
  EXPECT_EQ(complaint("1g"), "size '1g': not a number of bytes, k or M" + form);
  EXPECT_EQ(complaint("-4"), "size '': not a number of bytes, k or M" + form);
  EXPECT_EQ(complaint("1-2-3"), "size '2-3': not a number of bytes, k or M" + form);
  EXPECT_EQ(complaint("20,"), "size '': not a number of bytes, k or M" + form);
  EXPECT_EQ(complaint("2k-1k"), "size '2k-1k': ends before it begins" + form);
  EXPECT_EQ(complaint("2000M"), "size '2000M': more than 1024M" + form);
  EXPECT_EQ(complaint("99999999999999999999"), "size '99999999999999999999': not a number of bytes, k or M" + form);
  EXPECT_EQ(complaint("20:0"), "size '0': a weight is a number from 1 to 1000000000" + form);
  EXPECT_EQ(complaint("20:1.5"), "size '1.5': a weight is a number from 1 to 1000000000" + form);
  EXPECT_EQ(complaint("20:"), "size '': a weight is a number from 1 to 1000000000" + form);
}

}  // namespace
}  // namespace wsd::bench
