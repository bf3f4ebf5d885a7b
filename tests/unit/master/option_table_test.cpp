#include "master/option_table.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "master/command_line.h"
#include "master/option_value.h"

namespace wsd::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(OptionTable, HasEveryMemberOfOptions) {
  const Options options;
  const auto* const begin = reinterpret_cast<const char*>(&options);
  std::map<std::ptrdiff_t, std::size_t> members;  // where each begins, and its size
  for (const OptionEntry& entry : option_table()) {
    std::visit(
        [&](auto member) {
          const auto* const place = reinterpret_cast<const char*>(&(options.*member));
          EXPECT_TRUE(members.emplace(place - begin, sizeof(options.*member)).second) << entry.key << " is there twice";
        },
        entry.member);
  }
  // Between them is room for alignment, and for no option.
  std::ptrdiff_t end = 0;
  for (const auto& [place, size] : members) {
    EXPECT_LT(place - end, std::ptrdiff_t(alignof(Options))) << "an option of Options lacks its row";
    end = place + static_cast<std::ptrdiff_t>(size);
  }
  EXPECT_LT(std::ptrdiff_t(sizeof(Options)) - end, std::ptrdiff_t(alignof(Options)));
}

TEST(OptionTable, NamesEachOptionOnceAndTheSameEverywhere) {
  std::set<std::string> names;
  for (const OptionEntry& entry : option_table()) {
    EXPECT_EQ(entry.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << entry.key;
    EXPECT_TRUE(names.emplace(entry.key).second) << entry.key;
    EXPECT_EQ(find_option(entry.key), &entry);
  }
  EXPECT_EQ(find_option("max_message")->flag(), "--max-message");
  EXPECT_EQ(find_option("max_message")->environment(), "WSD_MAX_MESSAGE");
  EXPECT_EQ(find_option("app")->flag(), "APP");
  EXPECT_EQ(find_option("max-message"), nullptr);
  EXPECT_EQ(find_option(""), nullptr);
}

TEST(OptionTable, ExplainsEachOption) {
  for (const OptionEntry& entry : option_table()) {
    EXPECT_FALSE(entry.description.empty() || entry.description.ends_with('.')) << entry.key;
    EXPECT_EQ(entry.value_name.empty(), entry.kind == OptionKind::toggle) << entry.key;
    EXPECT_EQ(entry.opposite.empty(), entry.kind != OptionKind::toggle) << entry.key;
    EXPECT_EQ(entry.choices.empty(), entry.kind != OptionKind::choice) << entry.key;
    EXPECT_FALSE(title_of(entry.group).empty()) << entry.key;
  }
}

TEST(OptionTable, KeepsTheOptionsOfAGroupTogether) {
  std::vector<OptionGroup> groups;
  for (const OptionEntry& entry : option_table()) {
    if (groups.empty() || groups.back() != entry.group) groups.push_back(entry.group);
  }
  EXPECT_EQ(std::set(groups.begin(), groups.end()).size(), groups.size());
}

TEST(OptionTable, HasDefaultsThatCouldBeGiven) {
  for (const OptionEntry& entry : option_table()) {
    Options options;
    for (const std::string& text : texts_of(entry, Options()))
      EXPECT_EQ(give_text(entry, text, options), std::nullopt) << entry.key;
    EXPECT_EQ(texts_of(entry, options), texts_of(entry, Options())) << entry.key;
    EXPECT_FALSE(is_given(entry, Options()));
  }
  EXPECT_EQ(default_text_of(*find_option("stop_timeout")), "2s");
  EXPECT_EQ(default_text_of(*find_option("max_message")), "1M");
  EXPECT_EQ(default_text_of(*find_option("listen")), "ws://0.0.0.0:8080");
  EXPECT_EQ(default_text_of(*find_option("api")), "none");
}

// Enumerators are numbers of choices.
TEST(OptionTable, NamesTheChoicesInTheirOrder) {
  for (const OptionEntry& entry : option_table()) {
    for (const std::string_view choice : entry.choices) {
      Options options;
      EXPECT_EQ(give_text(entry, choice, options), std::nullopt);
      EXPECT_THAT(texts_of(entry, options), ElementsAre(std::string(choice)));
    }
  }
  Options options;
  EXPECT_EQ(options.set_text("log_level", "warning"), std::nullopt);
  EXPECT_EQ(*options.log_level, log::Level::warning);
  EXPECT_EQ(options.set_text("tls_reload", "drain"), std::nullopt);
  EXPECT_EQ(*options.tls_reload, TlsReload::drain);
}

// On one line, with one space between two words.
std::string in_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

TEST(OptionTable, IsWhatHelpLists) {
  const char* const start_help[] = {"start", "--help"};
  const std::string help = in_one_line(std::get<Help>(parse_command_line(start_help)).text);
  for (const OptionEntry& entry : option_table()) {
    EXPECT_THAT(help, HasSubstr(entry.flag()));
    EXPECT_THAT(help, HasSubstr(std::string(entry.description)));
    const bool is_toggle = entry.kind == OptionKind::toggle;
    EXPECT_THAT(help, HasSubstr(is_toggle ? "--no-" + entry.flag().substr(2) : ""));
  }
}

}  // namespace
}  // namespace wsd::master
