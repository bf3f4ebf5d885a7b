#include "master/config_page.h"

#include <gmock/gmock.h>

#include "master/option_table.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Configuration configuration_of(std::string_view text) {
  Configuration configuration;
  configuration.file = parse_config(text, "/etc/wsd/wsd.toml");
  configuration.options = configuration.file.options;
  return configuration;
}

TEST(ConfigPage, IsAFileThatComesToTheSame) {
  const Configuration before = configuration_of(R"(
app = "push"
count = 2
listen = ["ws://127.0.0.1:1", "unix:/run/chat.ws"]
max_message = "64K"
send_queue = 1500
stop_timeout = 0
drain_timeout = 1.5
page = false
log_level = "debug"
tls_cert = ["/a \"b\".pem"]
[set]
"a.b" = "line\nline"
c = 1
[set_file]
token = "/run/token"
)");
  ASSERT_THAT(before.file.problems, IsEmpty());
  const ConfigFile again = parse_config(to_toml(before), "/etc/wsd/wsd.toml");
  EXPECT_THAT(again.problems, IsEmpty()) << to_toml(before);
  Options everything;  // the page has defaults too
  everything.merge(again.options);
  Configuration after = before;
  after.options = everything;
  EXPECT_EQ(to_toml(after), to_toml(before));
}

TEST(ConfigPage, SaysWhereEachValueIsFrom) {
  Configuration configuration = configuration_of("\ncount = 2\n");
  configuration.layers.flags.app.give("push");
  configuration.options.merge(configuration.layers.flags);
  const std::string page = to_toml(configuration);
  EXPECT_THAT(page, HasSubstr("count = 2                                 # /etc/wsd/wsd.toml:2\n"));
  EXPECT_THAT(page, HasSubstr("app = \"push\"                              # command line\n"));
  EXPECT_THAT(page, HasSubstr("# api =                                   # default: none\n"));
}

TEST(ConfigPage, HasEveryOptionOfAFile) {
  const std::string page = to_toml(Configuration());
  for (const OptionEntry& entry : option_table()) {
    const bool has_a_line = entry.in_file && !entry.has_settings();
    EXPECT_THAT(page, HasSubstr(has_a_line ? std::string(entry.key) + " =" : ""));
  }
}

}  // namespace
}  // namespace wsd::master
