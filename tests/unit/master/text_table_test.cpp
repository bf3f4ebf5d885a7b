#include "master/text_table.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

using testing::ElementsAre;

TEST(TextTable, LinesUpItsColumns) {
  TextTable table({{"name"}, {"n", TextTable::Align::right}, {"state"}});
  table.add_row({"a", "1", "ok"});
  table.add_row({"longer", "1000", ""});
  EXPECT_THAT(table.lines(), ElementsAre("name       n  state", "a          1  ok", "longer  1000"));
}

TEST(TextTable, CountsCharactersAndNotBytes) {
  TextTable table({{"app"}, {"n"}});
  table.add_row({"äöü", "1"});
  table.add_row({"abc", "2"});
  EXPECT_THAT(table.lines(), ElementsAre("app  n", "äöü  1", "abc  2"));
}

TEST(TextTable, PrintsNoControlCharacters) {
  TextTable table({{"app"}});
  table.add_row({"\x1B[31m\n"});
  EXPECT_THAT(table.lines(), ElementsAre("app", R"(\e[31m\n)"));
}

TEST(TextTable, LeavesOutWhatCanBeSparedWhereItIsTooWide) {
  const auto table = [] {
    TextTable made({{"name"}, {"one", TextTable::Align::right, 1}, {"two", TextTable::Align::right, 2}, {"state"}});
    made.add_row({"a", "1", "2222", "ok"});
    return made;
  };
  TextTable whole = table();
  EXPECT_THAT(whole.fit(22), ElementsAre());
  EXPECT_THAT(whole.lines(), ElementsAre("name  one   two  state", "a       1  2222  ok"));
  TextTable narrow = table();
  EXPECT_THAT(narrow.fit(21), ElementsAre("two"));
  EXPECT_THAT(narrow.lines(), ElementsAre("name  one  state", "a       1  ok"));
  TextTable narrower = table();
  EXPECT_THAT(narrower.fit(1), ElementsAre("two", "one"));
  EXPECT_THAT(narrower.lines(), ElementsAre("name  state", "a     ok"));
}

TEST(TextTable, NamesWhatItLeftOut) {
  EXPECT_EQ(left_out_text({"gen", "bytes in"}), "left out for want of room: gen, bytes in\n");
}

TEST(CountCharacters, CountsCodePoints) {
  EXPECT_EQ(count_characters(""), 0U);
  EXPECT_EQ(count_characters("你好!"), 3U);
}

}  // namespace
}  // namespace wsd::master
