#include "master/config_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "master/option_table.h"
#include "master/option_value.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

constexpr const char* path = "/etc/wsd/wsd.toml";

ConfigFile parse(std::string_view text) {
  return parse_config(text, path);
}

// The one thing that is wrong.
std::string problem_of(std::string_view text) {
  const ConfigFile file = parse(text);
  EXPECT_EQ(file.problems.size(), 1U) << text;
  return file.problems.empty() ? "" : file.problems.front().to_string();
}

TEST(ConfigFile, MayBeEmpty) {
  for (const char* text : {"", "\n", "# nothing\n", "\xEF\xBB\xBF", "[set]\n"}) {
    const ConfigFile file = parse(text);
    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_EQ(to_json(file.options), "{}");
    EXPECT_TRUE(file.readable);
  }
}

TEST(ConfigFile, ReadsEveryKindOfOption) {
  const ConfigFile file = parse(R"(
app = "push"
count = 2
max_message = "64K"
send_queue = 2048
stop_timeout = 1.5
drain_timeout = "5m"
idle_timeout = 3
log_level = "debug"
page = false
listen = ["ws://127.0.0.1:1", "unix:/run/chat.ws"]
allow_origin = ["absent"]
trusted_proxy = []
[set]
text = "a=b"
number = 7
decimal = 0.5
truth = true
[set_file]
secret = "/run/secret"
)");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_EQ(to_json(file.options),
            R"({"app":"push","set":{"decimal":"0.5","number":"7","text":"a=b","truth":"true"},)"
            R"("set_file":{"secret":"/run/secret"},"page":false,)"
            R"("listen":["ws://127.0.0.1:1","unix:/run/chat.ws"],"allow_origin":["absent"],"count":2,)"
            R"("stop_timeout":1.5,"drain_timeout":300,"max_message":65536,"send_queue":2048,"idle_timeout":3,)"
            R"("log_level":"debug"})");
  EXPECT_EQ(file.place_of("count"), "/etc/wsd/wsd.toml:3");
  EXPECT_EQ(file.place_of("set.truth"), "/etc/wsd/wsd.toml:18");
}

// Each option as the table shows it, in the one file.
TEST(ConfigFile, KnowsEveryOptionOfTheTable) {
  for (const OptionEntry& entry : option_table()) {
    if (!entry.in_file) continue;
    const ConfigFile file = parse(std::string(entry.key) + " = 1979-05-27\n");
    ASSERT_EQ(file.problems.size(), 1U);
    EXPECT_THAT(file.problems.front().to_string(),
                AllOf(StartsWith("/etc/wsd/wsd.toml:1: " + std::string(entry.key) + ": must be "),
                      HasSubstr(", not a date or time")));
    EXPECT_EQ(file.problems.front().key, entry.key);
  }
}

TEST(ConfigFile, MeansPathsBesideItself) {
  const ConfigFile file = parse(R"(
app = "hello.cpp"
log_file = "../log/wsd.log"
listen = ["unix:chat.ws"]
tls_cert = ["a.pem", "/b.pem"]
set_file = { token = "token" }
)");
  EXPECT_THAT(file.problems, IsEmpty());
  EXPECT_EQ(*file.options.app, "/etc/wsd/hello.cpp");
  EXPECT_EQ(*file.options.log_file, "/etc/log/wsd.log");
  EXPECT_EQ(file.options.listen->at(0).path, "/etc/wsd/chat.ws");
  EXPECT_THAT(*file.options.tls_cert, ElementsAre("/etc/wsd/a.pem", "/b.pem"));
  EXPECT_THAT(*file.options.set_file, ElementsAre(Pair("token", "/etc/wsd/token")));
}

TEST(ConfigFile, NamesTheNearestKey) {
  EXPECT_EQ(problem_of("\n\nlisen = []"), "/etc/wsd/wsd.toml:3: unknown key 'lisen': the nearest is 'listen'");
  EXPECT_THAT(problem_of("max-message = 1"), HasSubstr("the nearest is 'max_message'"));
  EXPECT_THAT(problem_of("[server]\ncount = 1"), HasSubstr("only the app's settings have a table"));
  EXPECT_THAT(problem_of("\"\\n\" = 1"), HasSubstr(R"(unknown key '\n')"));
  EXPECT_THAT(problem_of("config = \"x\""), HasSubstr("--config"));
}

TEST(ConfigFile, SaysWhatAnOptionTakes) {
  EXPECT_EQ(problem_of("count = \"4\""), "/etc/wsd/wsd.toml:1: count: must be a whole number, not text");
  EXPECT_THAT(problem_of("count = 1.5"), HasSubstr("from 1 to 256, not '1.5'"));
  EXPECT_THAT(problem_of("count = -1"), HasSubstr("from 1 to 256, not '-1'"));
  EXPECT_THAT(problem_of("count = 9223372036854775807"), HasSubstr("from 1 to 256"));
  EXPECT_THAT(problem_of("stop_timeout = nan"), HasSubstr("stop_timeout: must be a time"));
  EXPECT_THAT(problem_of("stop_timeout = 1e300"), HasSubstr("stop_timeout: must be a time"));
  EXPECT_THAT(problem_of("app = 1"), HasSubstr("app: must be text in quotes, not a number"));
  EXPECT_THAT(problem_of("app = \"\""), HasSubstr("app: must not be empty"));
  EXPECT_THAT(problem_of("app = \"a\\u0000\""), HasSubstr("NUL"));
  EXPECT_THAT(problem_of("page = 1"), HasSubstr("page: must be true or false, not a number"));
  EXPECT_THAT(problem_of("listen = \"ws://a:1\""), HasSubstr("listen: must be an array of texts"));
  EXPECT_THAT(problem_of("listen = []"), HasSubstr("needs one address"));
  EXPECT_THAT(problem_of("listen = [1]"), HasSubstr("not a number"));
  EXPECT_THAT(problem_of("set = 1"), HasSubstr("set: must be a table, not a number"));
  EXPECT_THAT(problem_of("[set]\na = []"), HasSubstr("set.a: must be text, a number, true or false, not an array"));
  EXPECT_THAT(problem_of("[set]\n\"a=b\" = 1"), HasSubstr("no '='"));
  EXPECT_THAT(problem_of("[set_file]\na = 1"), HasSubstr("set_file.a: must be the name of a file"));
}

TEST(ConfigFile, NamesTheLineOfAMemberOfAList) {
  EXPECT_THAT(problem_of("listen = [\n  \"ws://a:1\",\n  \"nonsense\",\n]"),
              StartsWith("/etc/wsd/wsd.toml:3: listen: "));
}

TEST(ConfigFile, FindsAllThatIsWrong) {
  const ConfigFile file = parse("count = 0\nlisen = []\napp = \"push\"\nlog_level = \"loud\"\n");
  std::vector<std::string> places;
  for (const ConfigProblem& problem : file.problems) places.push_back(problem.place);
  EXPECT_THAT(places, ElementsAre("/etc/wsd/wsd.toml:1", "/etc/wsd/wsd.toml:2", "/etc/wsd/wsd.toml:4"));
  EXPECT_EQ(*file.options.app, "push") << "what is right is there";
}

TEST(ConfigFile, SaysWhereItIsNoToml) {
  for (const char* text :
       {"count = 1\n=", "count = 1\ncount", "count = 1\ncount = 2", "count = 1\napp = \"x", "count = 1\n[set",
        "count = 1\n[[[a]]]", "count = 1\n[=", "count = 1\napp = \"\xFF\"", "count = 1\napp = echo"}) {
    const ConfigFile file = parse(text);
    EXPECT_FALSE(file.readable) << text;
    EXPECT_THAT(problem_of(text), StartsWith("/etc/wsd/wsd.toml:2: ")) << text;
    EXPECT_EQ(to_json(file.options), "{}") << text;
  }
  EXPECT_THAT(problem_of("app = echo"), HasSubstr("text stands in quotes"));
  EXPECT_THAT(problem_of("\n# é\na = 'é' é"), AllOf(StartsWith("/etc/wsd/wsd.toml:3: "), HasSubstr("quotes")));
  EXPECT_FALSE(parse(std::string(100'000, '[')).readable);
}

// Whoever saves a file half has no harm but a refusal.
TEST(ConfigFile, SurvivesBeingCutAnywhere) {
  const std::string text =
      "app = \"push\"\ncount = 2\nlisten = [\"ws://[::1]:1\", \"unix:a\"]\n[set]\na.b = 1\nc = \"ü\"\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    for (const ConfigProblem& problem : parse(std::string_view(text).substr(0, size)).problems)
      EXPECT_FALSE(problem.text.empty());
  }
}

TEST(ConfigFile, IsReadFromDisk) {
  const testing_support::TemporaryDirectory directory;
  const std::string file = directory.file("wsd.toml");
  std::ofstream(file) << "count = 2\nlog_file = \"a.log\"\n";
  const ConfigFile config = read_config_file(file);
  EXPECT_THAT(config.problems, IsEmpty());
  EXPECT_EQ(*config.options.log_file, directory.file("a.log"));
  EXPECT_EQ(config.place_of("count"), file + ":1");
}

TEST(ConfigFile, SaysWhyItCannotBeRead) {
  const testing_support::TemporaryDirectory directory;
  const auto reason = [](const std::string& file) {
    const ConfigFile config = read_config_file(file);
    EXPECT_FALSE(config.readable);
    return config.problems.at(0).to_string();
  };
  EXPECT_THAT(reason(directory.file("none")), HasSubstr("No such file"));
  EXPECT_THAT(reason(directory.path()), HasSubstr("is not a file"));
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(reason(directory.file("fifo")), HasSubstr("is not a file"));
  const std::string large = directory.file("large");
  std::ofstream(large) << std::string(1024 * 1024 + 1, '#');
  EXPECT_THAT(reason(large), HasSubstr("more than 1048576 bytes"));
}

TEST(ConfigFile, IsRefusedToRootWhereOthersMayWriteIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const testing_support::TemporaryDirectory directory;
  const std::string file = directory.file("wsd.toml");
  std::ofstream(file) << "count = 2\n";
  std::filesystem::permissions(file, std::filesystem::perms(0666));
  EXPECT_THAT(read_config_file(file).problems.at(0).text, HasSubstr("root would obey it"));
}

}  // namespace
}  // namespace wsd::master
