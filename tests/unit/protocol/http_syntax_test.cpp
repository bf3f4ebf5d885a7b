#include "protocol/http_syntax.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::protocol {
namespace {

std::vector<std::string> elements_of(std::string_view list) {
  std::vector<std::string> elements;
  for (auto element = take_list_element(list); !element.empty(); element = take_list_element(list)) {
    elements.emplace_back(element);
  }
  return elements;
}

TEST(HttpSyntax, ATokenHasNoSeparatorsOrControlCharacters) {
  EXPECT_TRUE(is_token("chat.v2"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  EXPECT_FALSE(is_token(""));
  for (const char separator : std::string("\"(),/:;<=>?@[\\]{} \t\r\n\x7F\0\xC3", 23)) {
    EXPECT_FALSE(is_token(std::string("a") + separator)) << static_cast<int>(separator);
  }
}

TEST(HttpSyntax, AFieldValueHasNoLineEnds) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("any text,\twith \"quotes\" and \xE4\xBD\xA0"));
  EXPECT_FALSE(is_field_value("a\r\nSet-Cookie: b"));
  EXPECT_FALSE(is_field_value("a\nb"));
  EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_field_value("a\x7F"));
}

TEST(HttpSyntax, CaseIsIgnoredForAsciiLettersOnly) {
  EXPECT_TRUE(equal_ignoring_case("Sec-WebSocket-Key", "sec-websocket-KEY"));
  EXPECT_FALSE(equal_ignoring_case("key", "keys"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
  EXPECT_FALSE(equal_ignoring_case("\xC4", "\xE4"));
}

TEST(HttpSyntax, TrimsSpacesAndTabs) {
  EXPECT_EQ(trim_whitespace(" \t a b\t "), "a b");
  EXPECT_EQ(trim_whitespace(" \t "), "");
  EXPECT_EQ(trim_whitespace(""), "");
}

TEST(HttpSyntax, TakesListElementsAndPassesOverEmptyOnes) {
  EXPECT_EQ(elements_of("keep-alive, Upgrade"), (std::vector<std::string>{"keep-alive", "Upgrade"}));
  EXPECT_EQ(elements_of(" ,, a,\t,b ,"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(elements_of("").empty());
  EXPECT_TRUE(elements_of(std::string(16384, ',')).empty());
}

}  // namespace
}  // namespace wsd::protocol
