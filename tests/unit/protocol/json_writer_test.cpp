#include "protocol/json_writer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace wsd::protocol {
namespace {

std::string written(std::string_view text) {
  JsonWriter json;
  json.value(text);
  return json.take();
}

TEST(JsonWriter, PutsCommasBetweenMembersAndItems) {
  JsonWriter json;
  json.begin_object();
  json.field("a", 1);
  json.key("b");
  json.begin_array();
  json.value("x");
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.value(true);
  json.end_array();
  json.field("c", false);
  json.key("d");
  json.null();
  json.key("e");
  json.raw("[0]");
  json.end_object();
  EXPECT_EQ(json.take(), R"({"a":1,"b":["x",{},[],true],"c":false,"d":null,"e":[0]})");
}

TEST(JsonWriter, EscapesWhatStringsMustNotHold) {
  EXPECT_EQ(written("\"\\\n\r\t"), R"("\"\\\n\r\t")");
  EXPECT_EQ(written(std::string_view("\0\x1B\x7F", 3)), R"("\u0000\u001b\u007f")");
}

TEST(JsonWriter, LeavesUtf8Alone) {
  EXPECT_EQ(written("你好 ü 😀"), "\"你好 ü 😀\"");
}

TEST(JsonWriter, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(written("a\xFF"
                    "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(written("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a surrogate
  EXPECT_EQ(written("\xE4\xBD"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                  // cut short
}

TEST(JsonWriter, WritesNumbersWhole) {
  JsonWriter json;
  json.begin_array();
  json.value(std::numeric_limits<std::uint64_t>::max());
  json.value(std::numeric_limits<std::int64_t>::min());
  json.value(0.125);
  json.value(std::nan(""));
  json.value(HUGE_VAL);
  json.end_array();
  EXPECT_EQ(json.take(), "[18446744073709551615,-9223372036854775808,0.125,null,null]");
}

TEST(JsonWriter, WritesFractionsAsShortAsTheyReadBackTheSame) {
  JsonWriter json;
  json.begin_array();
  for (const double number : {0.0, 1.0, 0.1, -2.5, 100000.0, 123456789012345.0, 1e16, 1e300, 0.0001, 1e-7}) {
    json.value(number);
  }
  json.end_array();
  EXPECT_EQ(json.take(), "[0,1,0.1,-2.5,100000,123456789012345,1e+16,1e+300,0.0001,1e-07]");
}

TEST(JsonWriterDeathTest, AbortsOnWhatWouldBeNoJson) {
  EXPECT_DEATH(
      {
        JsonWriter json;
        json.begin_object();
        json.value(1);
      },
      "");
  EXPECT_DEATH(
      {
        JsonWriter json;
        json.begin_array();
        json.key("a");
      },
      "");
  EXPECT_DEATH(
      {
        JsonWriter json;
        json.begin_object();
        json.end_array();
      },
      "");
  EXPECT_DEATH(
      {
        JsonWriter json;
        json.begin_object();
        json.key("a");
        json.end_object();
      },
      "");
  EXPECT_DEATH(
      {
        JsonWriter json;
        json.begin_object();
        static_cast<void>(json.take());
      },
      "");
}

}  // namespace
}  // namespace wsd::protocol
