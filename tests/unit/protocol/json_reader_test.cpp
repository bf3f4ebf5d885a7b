#include "protocol/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace wsd::protocol {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = JsonReader::Kind;

// The position of the first error, and that there is one.
std::size_t error_at(std::string_view text, JsonLimits limits = {}) {
  const JsonReader json(text, limits);
  EXPECT_TRUE(json.error()) << text;
  return json.error() ? json.error()->position : 9999;
}

std::string error_in(std::string_view text, JsonLimits limits = {}) {
  const JsonReader json(text, limits);
  return json.error() ? json.error()->text : "";
}

TEST(JsonReader, GivesMembersByNameAndType) {
  JsonReader json(R"({"text":"grün","yes":true,"no":false,"number":-7,"list":["a","b"],"none":[]})");
  EXPECT_FALSE(json.error());
  EXPECT_EQ(json.string("text"), "grün");
  EXPECT_EQ(json.boolean("yes"), true);
  EXPECT_EQ(json.boolean("no"), false);
  EXPECT_EQ(json.integer("number"), -7);
  EXPECT_THAT(*json.strings("list"), ElementsAre("a", "b"));
  EXPECT_THAT(*json.strings("none"), IsEmpty());
  EXPECT_FALSE(json.error());
}

TEST(JsonReader, KnowsAnAbsentMemberFromOneOfAnotherType) {
  JsonReader json(R"({"text":1})");
  EXPECT_EQ(json.string("nowhere"), std::nullopt);
  EXPECT_FALSE(json.error());
  EXPECT_EQ(json.string("text"), std::nullopt);
  ASSERT_TRUE(json.error());
  EXPECT_EQ(json.error()->text, R"("text" must be a string.)");
  EXPECT_EQ(json.error()->position, 8U);
}

TEST(JsonReader, SticksToItsFirstError) {
  JsonReader json(R"({"a":1,"b":"x"})");
  EXPECT_EQ(json.string("a"), std::nullopt);
  EXPECT_EQ(json.string("b"), std::nullopt);
  EXPECT_EQ(json.integer("b"), std::nullopt);
  EXPECT_EQ(json.error()->position, 5U);
  EXPECT_THAT(json.unread(), IsEmpty());
}

TEST(JsonReader, RefusesEachTypeForEachOther) {
  const auto refuses = [](std::string_view value, auto&& ask) {
    JsonReader json(R"({"x":)" + std::string(value) + "}");
    EXPECT_FALSE(json.error()) << value;
    EXPECT_FALSE(ask(json)) << value;
    return json.error().has_value();
  };
  for (const auto* value : {"1", "true", "null", "{}", "[]", "1.5"}) {
    EXPECT_TRUE(refuses(value, [](JsonReader& json) { return json.string("x").has_value(); })) << value;
  }
  for (const auto* value : {R"("1")", "true", "null", "{}", "[]", "1.5", "1e3", "1.0", "9223372036854775808"}) {
    EXPECT_TRUE(refuses(value, [](JsonReader& json) { return json.integer("x").has_value(); })) << value;
  }
  for (const auto* value : {R"("1")", "1", "null", "{}", "[]"}) {
    EXPECT_TRUE(refuses(value, [](JsonReader& json) { return json.boolean("x").has_value(); })) << value;
  }
  for (const auto* value : {R"("1")", "1", "null", "{}", "[1]", R"(["a",1])", R"([1,"a"])", R"([["a"]])", "[null]"}) {
    EXPECT_TRUE(refuses(value, [](JsonReader& json) { return json.strings("x").has_value(); })) << value;
  }
}

TEST(JsonReader, GivesIntegersUpToTheirEnds) {
  JsonReader json(R"({"least":-9223372036854775808,"most":9223372036854775807,"unsigned":18446744073709551615,"0":0})");
  EXPECT_EQ(json.integer("least"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json.integer("most"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(json.unsigned_integer("most"), std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(json.unsigned_integer("unsigned"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(json.unsigned_integer("0"), 0U);
  EXPECT_EQ(json.unsigned_integer("nowhere"), std::nullopt);
  EXPECT_FALSE(json.error());
  EXPECT_EQ(json.unsigned_integer("least"), std::nullopt);
  EXPECT_THAT(json.error()->text, HasSubstr("negative"));
}

TEST(JsonReader, TellsWhatAMemberIs) {
  JsonReader json(R"({"a":"x","b":["x"],"c":true,"d":1,"e":18446744073709551615,"f":null,"g":{},"h":[1],"i":1.5})");
  EXPECT_EQ(json.kind("a"), Kind::string);
  EXPECT_EQ(json.kind("b"), Kind::strings);
  EXPECT_EQ(json.kind("c"), Kind::boolean);
  EXPECT_EQ(json.kind("d"), Kind::integer);
  EXPECT_EQ(json.kind("e"), Kind::integer);
  for (const auto* name : {"f", "g", "h", "i"}) EXPECT_EQ(json.kind(name), Kind::other) << name;
  EXPECT_EQ(json.kind("z"), Kind::absent);
  EXPECT_FALSE(json.error());
}

TEST(JsonReader, ListsWhatNobodyAskedFor) {
  JsonReader json(R"({"a":1,"b":2,"c":{"d":3}})");
  EXPECT_EQ(json.integer("b"), 2);
  EXPECT_THAT(json.unread(), ElementsAre("a", "c"));
  EXPECT_FALSE(json.error());
  json.refuse_unread();
  ASSERT_TRUE(json.error());
  EXPECT_EQ(json.error()->text, R"(There is no use for "a" here.)");
  EXPECT_EQ(json.error()->position, 5U);
}

TEST(JsonReader, RefusesForItsCallerAtTheMembersPlace) {
  JsonReader there(R"(  {"a":1})");
  there.refuse("a", "No.");
  EXPECT_EQ(there.error()->position, 7U);
  EXPECT_EQ(there.error()->text, "No.");
  JsonReader absent(R"(  {"a":1})");
  absent.refuse("b", "Where is b?");
  EXPECT_EQ(absent.error()->position, 2U);
}

TEST(JsonReader, DecodesEscapes) {
  JsonReader json(R"({"\u0061":"\"\\\/\b\f\n\r\t\u00e9\u4E2D\ud83d\ude00"})");
  EXPECT_EQ(json.string("a"), "\"\\/\b\f\n\r\t\u00e9\u4E2D\U0001F600");
}

TEST(JsonReader, DeliversAnEscapedZeroAsWhatItIs) {
  JsonReader json(R"({"a":"x\u0000y","b\u0000":"z"})");
  EXPECT_EQ(json.string("a"), "x\0y"s);
  EXPECT_EQ(json.string("b\0"s), "z");
  EXPECT_EQ(json.string("b"), std::nullopt);
}

TEST(JsonReader, TakesWhitespaceAnywhere) {
  JsonReader json(" \t\r\n{ \"a\" : [ \"x\" , \"y\" ] , \"b\" : 1 } \n");
  EXPECT_THAT(*json.strings("a"), ElementsAre("x", "y"));
  EXPECT_EQ(json.integer("b"), 1);
  JsonReader empty("{}");
  EXPECT_FALSE(empty.error());
}

struct BadText {
  std::string text;
  std::size_t position;
};

TEST(JsonReader, SaysWhereATextGoesWrong) {
  const std::vector<BadText> texts = {
      {"", 0},
      {"   ", 3},
      {"[1]", 0},
      {" 1", 1},
      {R"("a")", 0},
      {"null", 0},
      {"\xEF\xBB\xBF{}", 0},
      {"{", 0},
      {R"({"a")", 3},
      {R"({"a":)", 4},
      {R"({"a":1)", 5},
      {R"({"a":1,})", 7},
      {R"({"a" 1})", 5},
      {R"({"a":1 "b":2})", 7},
      {R"({"a":1,,"b":2})", 7},
      {"{,}", 1},
      {"{a:1}", 1},
      {"{1:2}", 1},
      {R"({"a":tru})", 5},
      {R"({"a":truex})", 5},
      {R"({"a":nul})", 5},
      {R"({"a":nullx})", 5},
      {R"({"a":True})", 5},
      {R"({"a":'x'})", 5},
      {R"({"a":})", 5},
      {R"({"a":[1,2})", 9},
      {R"({"a":[1 2]})", 8},
      {R"({"a":[1,]})", 8},
      {R"({"a":[,1]})", 6},
      {R"({"a":1]})", 6},
      {R"({"a":"b""c":1})", 8},
      {R"({"a":01})", 5},
      {R"({"a":1.})", 5},
      {R"({"a":.5})", 5},
      {R"({"a":+1})", 5},
      {R"({"a":-})", 5},
      {R"({"a":1e})", 5},
      {R"({"a":1e999})", 5},
      {R"({"a":NaN})", 5},
      {R"({"a":Infinity})", 5},
      {R"({"a":0x10})", 5},
      {R"({"a":18446744073709551616})", 5},
      {R"({"a":"x)", 5},
      {R"({"a":"x\")", 5},
      {R"({"a\")", 1},
      {"{\"a\":\"x\ny\"}", 7},
      {"{\"a\":\"\\\"\ty\"}", 8},
      {"{\"a\":\"x\0y\"}"s, 7},
      {R"({"a":"\x"})", 5},
      {R"({"a":"\u12"})", 5},
      {R"({"a":"\u12g4"})", 5},
      {R"({"\x":1})", 1},
      {R"({"a":1}})", 7},
      {R"({"a":1}{"b":2})", 7},
      {R"({"a":1} x)", 8},
      {"{\"a\":1}\0"s, 7},
      {R"({"a":1}// and so on)", 18},
  };
  for (const BadText& bad : texts) EXPECT_EQ(error_at(bad.text), bad.position) << bad.text;
}

TEST(JsonReader, EverySentenceIsOne) {
  for (const auto* text : {"", "[1]", "{", R"({"a":1,})", R"({"a":tru})", R"({"a":01})", R"({"a":"\x"})", R"({"a":"x)",
                           "{\"a\":\"\n\"}", "{\"a\":\"\xFF\"}", R"({"a":1}})", R"({"a":1,"a":2})"}) {
    EXPECT_TRUE(error_in(text).ends_with('.')) << text << ": " << error_in(text);
  }
}

TEST(JsonReader, RefusesInvalidUtf8AtItsFirstByteThatCannotBeRight) {
  EXPECT_EQ(error_at("{\"a\":\"\xFF\"}"), 6U);
  EXPECT_EQ(error_at("{\"a\":\"\xC3\x28\"}"), 7U);
  EXPECT_EQ(error_at("{\"a\":\"\xED\xA0\x80\"}"), 7U);  // a surrogate
  EXPECT_EQ(error_at("{\"a\":\"\xC0\x80\"}"), 6U);      // an overlong NUL
  EXPECT_EQ(error_at("{\"\xF4\x90\x80\x80\":1}"), 3U);  // above U+10FFFF
}

TEST(JsonReader, RefusesHalfASurrogatePair) {
  for (const auto* half : {R"(\ud800)", R"(\udc00)", R"(\ud83d\u0041)", R"(\ud83dx)", R"(\ud83d\ud83d)",
                           R"(\ude00\ud83d)", R"(\ud83d\n)", R"(\udfff)", R"(\ud83d\)"}) {
    EXPECT_EQ(error_at(R"({"a":")" + std::string(half) + R"("})"), 5U) << half;
    EXPECT_EQ(error_at(R"({")" + std::string(half) + R"(":1})"), 1U) << half;
  }
}

TEST(JsonReader, RefusesAMemberThatIsThereTwiceAtAnyDepth) {
  EXPECT_EQ(error_at(R"({"a":1,"a":1})"), 7U);
  EXPECT_EQ(error_at(R"({"a":1,"\u0061":1})"), 7U);
  EXPECT_EQ(error_at(R"({"a":{"b":1,"c":2,"b":3}})"), 18U);
  EXPECT_EQ(error_at(R"({"a":[[{"b":1,"b":3}]]})"), 14U);
  EXPECT_EQ(error_in(R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})"), "");
}

TEST(JsonReader, LooksIntoWhatItPassesOver) {
  EXPECT_EQ(error_at(R"({"a":{"b":[1,{"c":tru}]},"d":1})"), 18U);
  EXPECT_EQ(error_at(R"({"a":[1.5,01]})"), 10U);
  EXPECT_EQ(error_at(R"({"a":[{"b":"\q"}]})"), 11U);
}

std::string nested(std::size_t depth, char open, char close) {
  return R"({"a":)" + std::string(depth - 1, open) + std::string(depth - 1, close) + "}";
}

TEST(JsonReader, HasALimitOfDepth) {
  EXPECT_EQ(error_in(nested(64, '[', ']')), "");
  EXPECT_EQ(error_at(nested(65, '[', ']')), 5U + 63U);
  EXPECT_EQ(error_in(nested(65, '[', ']')), "The text is nested more than 64 deep.");
  EXPECT_THAT(error_in(nested(100'000, '[', ']')), HasSubstr("64 deep"));
  EXPECT_EQ(error_in(R"({"a":{"b":[]}})", {.max_depth = 3}), "");
  EXPECT_NE(error_in(R"({"a":{"b":[]}})", {.max_depth = 2}), "");
}

TEST(JsonReader, HasALimitOfSize) {
  EXPECT_EQ(error_in(R"({"a":1})", {.max_size = 7}), "");
  EXPECT_EQ(error_at(R"({"a":1})", {.max_size = 6}), 6U);
  EXPECT_EQ(error_in(R"({"a":1})", {.max_size = 6}), "The text is larger than 6 bytes.");
}

TEST(JsonReader, HasALimitOfMembers) {
  EXPECT_EQ(error_in(R"({"a":1,"b":2})", {.max_members = 2}), "");
  EXPECT_EQ(error_at(R"({"a":1,"b":2,"c":3})", {.max_members = 2}), 13U);
  EXPECT_EQ(error_at(R"({"a":{"a":1,"b":2,"c":3}})", {.max_members = 2}), 18U);
}

TEST(JsonReader, KeepsNamesOfStrangersOutOfItsSentences) {
  EXPECT_EQ(error_in("{\"\\n\":1,\"\\n\":1}"), "The object has a member twice.");
  EXPECT_EQ(error_in(R"({"\"":1,"\"":1})"), "The object has a member twice.");
  const std::string name(1000, 'x');
  EXPECT_EQ(error_in("{\"" + name + "\":1,\"" + name + "\":1}"), "The object has a member twice.");
}

TEST(JsonReader, RefusesATextThatIsCutAnywhere) {
  const std::string text = R"({"a":"x\u00e9\n","b":[1,-2.5e3,true,null,{"c":[]}],"d":{"e":"\ud83d\ude00"}})";
  EXPECT_EQ(error_in(text), "");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_LE(error_at(text.substr(0, size)), size) << text.substr(0, size);
  }
}

TEST(JsonReader, ReadsALargeString) {
  const std::string large(900'000, 'x');
  JsonReader json("{\"a\":\"" + large + "\"}");
  EXPECT_EQ(json.string("a"), large);
}

}  // namespace
}  // namespace wsd::protocol
