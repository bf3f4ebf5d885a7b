#include "master/default_config.h"

#include <gmock/gmock.h>

#include <sstream>
#include <string>

#include "master/option_table.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;

TEST(DefaultConfig, HasEveryOptionOnceWithItsDefault) {
  const std::string config = default_config();
  for (const OptionEntry& entry : option_table()) {
    if (!entry.in_file) continue;
    const std::string key(entry.key);
    const std::string line = entry.has_settings() ? "\n#[" + key + "]\n" : "\n#" + key + " = ";
    const std::size_t place = config.find(line);
    ASSERT_NE(place, std::string::npos) << entry.key;
    EXPECT_EQ(config.find(line, place + 1), std::string::npos) << entry.key;
  }
  EXPECT_THAT(config, HasSubstr("\n#count = 4\n"));
  EXPECT_THAT(config, HasSubstr("\n#stop_timeout = \"2s\"\n"));
  EXPECT_THAT(config, HasSubstr("\n#listen = [\"ws://0.0.0.0:8080\"]\n"));
  EXPECT_THAT(config, HasSubstr("\n#page = true\n"));
  EXPECT_THAT(config, HasSubstr("Default: none.\n#api_token_file = \"FILE\"\n"));
}

TEST(DefaultConfig, ChangesNothing) {
  std::istringstream lines(default_config());
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.empty() || line.front() == '#') << line;
}

TEST(DefaultConfig, EndsWithTheTables) {
  const std::string config = default_config();
  const std::size_t tables = config.find("\n#[set]\n");
  EXPECT_EQ(config.find(" = [", tables), std::string::npos) << "a key behind a table is the table's";
}

}  // namespace
}  // namespace wsd::master
