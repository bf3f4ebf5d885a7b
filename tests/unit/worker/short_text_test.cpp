#include "worker/short_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace wsd::worker {
namespace {

TEST(ShortText, HoldsAnyText) {
  for (const std::size_t size : {0U, 1U, 14U, 15U, 16U, 45U, 1000U}) {
    const std::string text(size, 'x');
    EXPECT_EQ(ShortText(text).view(), text) << size;
  }
}

TEST(ShortText, Moves) {
  for (const std::string text : {"192.0.2.7", "2001:db8:85a3:8d3:1319:8a2e:370:7348"}) {
    ShortText from(text);
    ShortText to(std::move(from));
    EXPECT_EQ(to.view(), text);
    ShortText other("a text that is longer than fifteen");
    other = std::move(to);
    EXPECT_EQ(other.view(), text);
  }
}

}  // namespace
}  // namespace wsd::worker
