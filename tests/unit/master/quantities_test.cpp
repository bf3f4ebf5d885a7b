#include "master/quantities.h"

#include <gtest/gtest.h>

namespace wsd::master {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Size, IsBytesOrAPowerOf1024) {
  EXPECT_EQ(size_from("0"), 0U);
  EXPECT_EQ(size_from("1500"), 1500U);
  EXPECT_EQ(size_from("64K"), 64U * 1024);
  EXPECT_EQ(size_from("64k"), 64U * 1024);
  EXPECT_EQ(size_from("1M"), 1024U * 1024);
  EXPECT_EQ(size_from("16G"), 16ULL << 30U);
  EXPECT_EQ(size_from("17179869183G"), 17179869183ULL << 30U);
}

TEST(Size, IsNothingElse) {
  for (const char* text : {"", "K", "1KB", "1T", "-1", "+1", " 1", "1 ", "1 K", "1.5M", "0x10", "1e3",
                           "18446744073709551616", "17179869184G"}) {
    EXPECT_EQ(size_from(text), std::nullopt) << text;
  }
}

TEST(Duration, IsSecondsOrHasAUnit) {
  EXPECT_EQ(duration_from("0"), milliseconds(0));
  EXPECT_EQ(duration_from("2"), seconds(2));
  EXPECT_EQ(duration_from("0.25"), milliseconds(250));
  EXPECT_EQ(duration_from("500ms"), milliseconds(500));
  EXPECT_EQ(duration_from("10s"), seconds(10));
  EXPECT_EQ(duration_from("1.5m"), seconds(90));
  EXPECT_EQ(duration_from("1h"), hours(1));
  EXPECT_EQ(duration_from("365d"), hours(24 * 365));
  EXPECT_EQ(duration_from("-1s"), seconds(-1)) << "an impossible value, but a duration";
}

TEST(Duration, IsNothingElse) {
  for (const char* text : {"", "s", "1S", "1M", "1 s", "1s ", "1sec", "1h30m", "+1", "nan", "inf", "1e400", "1e3",
                           "99999999999999999999d", "0x1p3"}) {
    EXPECT_EQ(duration_from(text), std::nullopt) << text;
  }
}

TEST(Quantities, AreReadAsTheyAreWritten) {
  EXPECT_EQ(size_text(0), "0");
  EXPECT_EQ(size_text(1000), "1000");
  EXPECT_EQ(size_text(65536), "64K");
  EXPECT_EQ(size_text(1024 * 1024), "1M");
  EXPECT_EQ(size_text(1ULL << 40U), "1024G");
  EXPECT_EQ(duration_text(milliseconds(0)), "0");
  EXPECT_EQ(duration_text(milliseconds(1500)), "1500ms");
  EXPECT_EQ(duration_text(seconds(10)), "10s");
  EXPECT_EQ(duration_text(minutes(60)), "1h");
  EXPECT_EQ(duration_text(hours(24)), "1d");
  for (std::uint64_t number = 1; number < (1ULL << 50U); number = number * 3 + 1) {
    EXPECT_EQ(size_from(size_text(number)), number);
    const milliseconds time(number % 1'000'000'000'000);
    EXPECT_EQ(duration_from(duration_text(time)), time);
  }
}

}  // namespace
}  // namespace wsd::master
