#include "worker/apps/chat_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::chat {
namespace {

using std::string_literals::operator""s;

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(ChatText, CountsCharactersOfAnyLength) {
  EXPECT_EQ(characters(""), U"");
  EXPECT_EQ(characters("aé中😀"), U"aé中😀");
  EXPECT_EQ(characters("\0"s), std::u32string(1, U'\0'));
  EXPECT_EQ(characters("\xF4\x8F\xBF\xBF"), U"\U0010FFFF");
}

TEST(ChatText, RefusesWhatIsNoUtf8WhereverItIsCut) {
  const std::string whole = "é中😀";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const bool is_border = size == 0 || size == 2 || size == 5 || size == 9;
    EXPECT_EQ(characters(whole.substr(0, size)).has_value(), is_border) << size;
  }
  for (const std::string_view bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                                     "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE4 b"}) {
    EXPECT_FALSE(characters(bad)) << bad;
  }
}

TEST(ChatText, NamesAreTrimmedAndOtherwiseKept) {
  EXPECT_EQ(name_from("Alice"), "Alice");
  EXPECT_EQ(name_from(" \t\xC2\xA0\xE3\x80\x80 Alice B. \n\r"), "Alice B.");
  EXPECT_EQ(name_from("王小明"), "王小明");
  EXPECT_EQ(name_from("👩‍👧 ❤️"), "👩‍👧 ❤️") << "joiners and variation selectors join what shows";
  EXPECT_EQ(name_from("<b>&\"'"), "<b>&\"'") << "what HTML would take for markup is text like any other";
}

TEST(ChatText, NamesHave32CharactersAtMost) {
  EXPECT_EQ(name_from(repeated("中", 32)), repeated("中", 32));
  EXPECT_FALSE(name_from(repeated("中", 33)));
  EXPECT_EQ(name_from("  " + repeated("😀", 32) + "  "), repeated("😀", 32));
  EXPECT_FALSE(name_from(repeated("a", 33)));
}

TEST(ChatText, NamesShow) {
  for (const std::string& bad :
       {""s, " "s, "\xE3\x80\x80"s, "a\nb"s, "a\tb"s, "a\0b"s, "\x7F"s, "a\xC2\x85 b"s, "‍"s, "\uFE0F"s, "a\u202Eb"s,
        "\u2066x"s, "a\u200Bb"s, "\uFEFF\uFEFFa"s, "\u00ADa"s, "ㅤ"s, "a\u2028b"s, "a\xFF"s, "\U000E0041a"s}) {
    EXPECT_FALSE(name_from(bad)) << bad;
  }
}

TEST(ChatText, SaysWhatThereIsToRead) {
  EXPECT_TRUE(may_be_said(U"hello"));
  EXPECT_TRUE(may_be_said(U"two\nlines\tand a tab"));
  EXPECT_TRUE(may_be_said(U"مرحبا \u200Fשלום"));
  EXPECT_FALSE(may_be_said(U""));
  EXPECT_FALSE(may_be_said(U" \n\t\u3000"));
  EXPECT_FALSE(may_be_said(U"\u200B\u200D"));
  EXPECT_FALSE(may_be_said(U"bell\a"));
  EXPECT_FALSE(may_be_said(U"\rreturn"));
  EXPECT_FALSE(may_be_said(std::u32string(1, U'\0') + U"nul"));
  EXPECT_FALSE(may_be_said(U"next line\u0085"));
}

TEST(ChatText, FindsTheRoomOfAPath) {
  EXPECT_EQ(room_of("/"), "lobby");
  EXPECT_EQ(room_of("/chat/cats"), "cats");
  EXPECT_EQ(room_of("/danmaku/cats"), "cats");
  EXPECT_EQ(room_of("/chat/A-z_0.9"), "A-z_0.9");
  EXPECT_EQ(room_of("/chat/%E7%8C%AB"), "猫");
  EXPECT_EQ(room_of("/chat/c%61ts"), "cats");
  EXPECT_EQ(room_of("/chat/" + std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(room_of("/chat/..."), "...");
}

TEST(ChatText, RefusesPathsOfNoRoom) {
  for (const std::string& bad : {""s,
                                 "/chat"s,
                                 "/chat/"s,
                                 "/chat/a/b"s,
                                 "/chat//"s,
                                 "/x/cats"s,
                                 "/Chat/cats"s,
                                 "//"s,
                                 "chat/cats"s,
                                 "/chat/."s,
                                 "/chat/.."s,
                                 "/chat/%2E%2e"s,
                                 "/chat/a%2Fb"s,
                                 "/chat/a%20b"s,
                                 "/chat/a b"s,
                                 "/chat/a+b"s,
                                 "/chat/%"s,
                                 "/chat/%4"s,
                                 "/chat/%zz"s,
                                 "/chat/%00"s,
                                 "/chat/%FF"s,
                                 "/chat/%E7%8C"s,
                                 "/chat/%E3%80%80"s,
                                 "/chat/%E2%80%AE"s,
                                 "/chat/%E2%80%8D"s,
                                 "/chat/" + std::string(65, 'x')}) {
    EXPECT_FALSE(room_of(bad)) << bad;
  }
}

TEST(ChatText, FindsAParameterOfAQuery) {
  EXPECT_EQ(query_parameter("name=Alice", "name"), "Alice");
  EXPECT_EQ(query_parameter("a=b&name=Alice&name=Bob", "name"), "Alice");
  EXPECT_EQ(query_parameter("name=A+%26+B%3d", "name"), "A & B=");
  EXPECT_EQ(query_parameter("name=", "name"), "");
  EXPECT_EQ(query_parameter("name=a=b", "name"), "a=b");
  EXPECT_FALSE(query_parameter("", "name"));
  EXPECT_FALSE(query_parameter("name", "name"));
  EXPECT_FALSE(query_parameter("surname=x&rename=y&Name=z", "name"));
  EXPECT_FALSE(query_parameter("name=%4", "name"));
}

}  // namespace
}  // namespace wsd::chat
