#include "tests/wsbench/figures.h"

#include <gtest/gtest.h>

namespace wsd::bench {
namespace {

using namespace std::chrono_literals;

TEST(FiguresTest, AreWrittenAsWrkDoes) {
  EXPECT_EQ(time_text(0ns), "0.00us");
  EXPECT_EQ(time_text(635'910ns), "635.91us");
  EXPECT_EQ(time_text(1'204'000ns), "1.20ms");
  EXPECT_EQ(time_text(2s), "2.00s");
  EXPECT_EQ(time_text(90s), "1.50m");
  EXPECT_EQ(count_text(0), "0.00");
  EXPECT_EQ(count_text(999), "999.00");
  EXPECT_EQ(count_text(56'201), "56.20k");
  EXPECT_EQ(count_text(1.33e6), "1.33M");
  EXPECT_EQ(size_text(512), "512.00B");
  EXPECT_EQ(size_text(606.33 * 1024), "606.33KB");
  EXPECT_EQ(size_text(17.76 * 1024 * 1024 * 1024), "17.76GB");
}

TEST(FiguresTest, AreRead) {
  EXPECT_EQ(count_from("10"), 10U);
  EXPECT_EQ(count_from("10k"), 10'000U);
  EXPECT_EQ(count_from("1.5M"), 1'500'000U);
  EXPECT_EQ(count_from("2G"), 2'000'000'000U);
  EXPECT_EQ(rate_from("0.5"), 0.5);
  EXPECT_EQ(rate_from("10K"), 10'000.0);
  EXPECT_EQ(duration_from("30"), Seconds(30));
  EXPECT_EQ(duration_from("30s"), Seconds(30));
  EXPECT_EQ(duration_from("500ms"), Seconds(0.5));
  EXPECT_EQ(duration_from("2m"), Seconds(120));
  EXPECT_EQ(duration_from("1h"), Seconds(3600));
}

TEST(FiguresTest, AreRefused) {
  for (const char* text : {"", "k", "-1", "1.5", "10 k", "1kk", "1e3", "inf", "nan", "99999999999999G"}) {
    EXPECT_FALSE(count_from(text)) << text;
  }
  for (const char* text : {"", "s", "-1s", "1x", "1 s", "inf"}) EXPECT_FALSE(duration_from(text)) << text;
}

}  // namespace
}  // namespace wsd::bench
