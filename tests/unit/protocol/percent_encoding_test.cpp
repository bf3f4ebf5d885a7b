#include "protocol/percent_encoding.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

using std::string_literals::operator""s;

std::string query_text(std::string_view query) {
  const auto parameters = parse_query(query);
  if (!parameters) return "bad";
  std::string text;
  for (const auto& [name, value] : *parameters) text.append("[" + name + "|" + value + "]");
  return text;
}

TEST(PercentEncoding, DecodesAnyByteInEitherCase) {
  EXPECT_EQ(decode_percent(""), "");
  EXPECT_EQ(decode_percent("plain/text+"), "plain/text+");
  EXPECT_EQ(decode_percent("a%2Fb%2fc%25"), "a/b/c%");
  EXPECT_EQ(decode_percent("%E6%88%BF%00%ff"), "\xE6\x88\xBF\0\xFF"s);
  EXPECT_EQ(decode_percent("%2541"), "%41");  // once
}

TEST(PercentEncoding, RefusesASignWithoutTwoDigits) {
  for (const auto* text : {"%", "%4", "a%", "%4g", "%g4", "%%41", "% 4", "%-1", "%+1"}) {
    EXPECT_FALSE(decode_percent(text)) << text;
  }
}

TEST(Query, IsTakenApart) {
  EXPECT_EQ(query_text(""), "");
  EXPECT_EQ(query_text("a=b"), "[a|b]");
  EXPECT_EQ(query_text("a=b&c=d&a=e"), "[a|b][c|d][a|e]");
  EXPECT_EQ(query_text("a&b=&=c&&d=e=f&"), "[a|][b|][|c][d|e=f]");
  EXPECT_EQ(query_text("a+b=c+d%2B%26%3D"), "[a b|c d+&=]");
}

TEST(Query, IsRefusedWhole) {
  EXPECT_EQ(query_text("a=b&c=%"), "bad");
  EXPECT_EQ(query_text("%4=b"), "bad");
}

}  // namespace
}  // namespace wsd::protocol
