#include "master/option_pages.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <regex>
#include <sstream>

#include "master/command_line.h"
#include "master/option_table.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;

std::string content_of(const std::string& name) {
  std::ifstream file(std::filesystem::path(WSD_SOURCE_DIR) / name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(OptionPages, HaveEveryOptionInEverySpelling) {
  const std::string page = options_in_markdown();
  for (const OptionEntry& entry : option_table()) {
    EXPECT_THAT(page, HasSubstr(entry.in_file ? "| `" + std::string(entry.key) + "` |" : "| –"));
    EXPECT_THAT(page, HasSubstr(entry.flag()));
    EXPECT_THAT(page, HasSubstr("`" + entry.environment() + "`"));
  }
}

TEST(OptionPages, HaveEveryKeyOfTheFile) {
  const std::string page = keys_in_mdoc();
  for (const OptionEntry& entry : option_table()) {
    const bool has_it =
        page.find(" Ic " + std::string(entry.key) + (entry.has_settings() ? "\n" : " No = ")) != std::string::npos;
    EXPECT_EQ(has_it, entry.in_file) << entry.key;
  }
}

TEST(OptionPages, HaveEveryCommandWithWhatItTakes) {
  const std::string page = commands_in_mdoc();
  const std::string words = words_for_bash();
  for (const CommandDescription& command : describe_commands()) {
    EXPECT_THAT(page, HasSubstr(".It Ic " + std::string(command.name)));
    EXPECT_THAT(words, HasSubstr("    " + std::string(command.name) + ") echo '"));
    for (const ArgumentDescription& argument : command.arguments) {
      for (const std::string& flag : argument.flags) {
        EXPECT_THAT(page, HasSubstr("Fl " + std::regex_replace(flag.substr(1), std::regex("-"), "\\-")))
            << command.name;
        EXPECT_THAT(words, HasSubstr(flag)) << command.name;
      }
    }
  }
}

// groff would take such a line for a request, and such a character for something else.
TEST(OptionPages, LeaveNothingToGroff) {
  for (const std::string& page : {keys_in_mdoc(), commands_in_mdoc()}) {
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(std::regex_match(line, std::regex(R"(\.(Bl|El|It|Sh|Ss|Sx|Ev) ?.*|[^.'].*)"))) << line;
      EXPECT_EQ(line.find_first_of("^~`"), std::string::npos) << line;
      EXPECT_TRUE(std::ranges::all_of(line, [](char letter) { return letter >= ' ' && letter <= '~'; })) << line;
    }
  }
}

TEST(OptionPages, AreWhatTheDocumentationHas) {
  const std::initializer_list<std::array<std::string, 3>> pages{
      {"docs/configuration.md", "<!-- made by scripts/document -->\n", "<!-- end -->\n"},
      {"docs/man/wsd.8", ".\\\" made by scripts/document\n", ".\\\" end\n"},
      {"docs/man/wsd.toml.5", ".\\\" made by scripts/document\n", ".\\\" end\n"},
      {"scripts/completion/wsd.bash", "# made by scripts/document\n", "# end\n"},
  };
  for (const auto& [file, begin, end] : pages) {
    EXPECT_TRUE(content_of(file).find(begin + made_for(file).value() + end) != std::string::npos)
        << file << " is stale: scripts/document brings it up to date";
  }
  EXPECT_EQ(made_for("README.md"), std::nullopt);
}

}  // namespace
}  // namespace wsd::master
