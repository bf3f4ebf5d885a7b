#include "master/option_pages.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "master/option_table.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;

std::string content_of(const char* name) {
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

TEST(OptionPages, AreWhatTheDocumentationHas) {
  EXPECT_THAT(content_of("docs/configuration.md"),
              HasSubstr("<!-- made by scripts/document -->\n" + options_in_markdown() + "<!-- end -->\n"))
      << "scripts/document brings it up to date";
}

}  // namespace
}  // namespace wsd::master
