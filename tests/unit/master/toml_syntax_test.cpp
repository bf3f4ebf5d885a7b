#include "master/toml_syntax.h"

#include <gtest/gtest.h>

namespace wsd::master {
namespace {

TEST(TomlSyntax, QuotesTexts) {
  EXPECT_EQ(toml_text("a b"), R"("a b")");
  EXPECT_EQ(toml_text("\"\\\n\x7F"), R"("\"\\\u000A\u007F")");
  EXPECT_EQ(toml_text("你"), "\"你\"");
  EXPECT_EQ(toml_key("a_b-1"), "a_b-1");
  EXPECT_EQ(toml_key("a.b"), "\"a.b\"");
  EXPECT_EQ(toml_key(""), "\"\"");
}

TEST(TomlSyntax, FindsLettersWhereTomlHasNone) {
  EXPECT_EQ(line_of_stray_character("é = 1"), 1U);
  EXPECT_EQ(line_of_stray_character("a = 1\nb = é"), 2U);
  EXPECT_EQ(line_of_stray_character("a = \"x\" é"), 1U);
  EXPECT_EQ(line_of_stray_character(R"(a = "\"" é)"), 1U);
  EXPECT_EQ(line_of_stray_character("a = \"x\n\nb = é"), 3U) << "a string ends with its line";
  EXPECT_EQ(line_of_stray_character("a = \"\"\"\n\n\"\"\"\"\"é"), 3U);
  EXPECT_EQ(line_of_stray_character("a = '''é'''\né"), 2U);
  EXPECT_EQ(line_of_stray_character("a = \"\"\"x\\\n  é\"\"\""), 2U) << "behind a line that is continued";
}

TEST(TomlSyntax, LeavesStringsAndCommentsAlone) {
  for (const char* text : {"", "a = 1", "# é\na = 1 # é", "a = \"é\"", "a = 'é\\'", R"(a = "\"é")", "\xEF\xBB\xBF# x",
                           "a = \"\"\"\né\"é\n\"\"\"", "a = '''\n'é\n'''", "a = \"\"\"x\\\n  x é\"\"\"", "a = \"",
                           "a = '''", "a = \"\\"}) {
    EXPECT_EQ(line_of_stray_character(text), std::nullopt) << text;
  }
}

TEST(TomlSyntax, FindsATableWithoutAName) {
  EXPECT_EQ(line_of_unnamed_table("a = 1\n[set]\n [[[a]]]\n"), 3U);
  EXPECT_EQ(line_of_unnamed_table("[[a]]\n[=]"), 2U);
  EXPECT_EQ(line_of_unnamed_table("['a']\n[\n"), 2U);
  EXPECT_EQ(line_of_unnamed_table("a = 1\n"), 1U);
}

}  // namespace
}  // namespace wsd::master
