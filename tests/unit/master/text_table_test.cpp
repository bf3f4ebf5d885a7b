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

TEST(CountCharacters, CountsCodePoints) {
  EXPECT_EQ(count_characters(""), 0U);
  EXPECT_EQ(count_characters("你好!"), 3U);
}

}  // namespace
}  // namespace wsd::master
