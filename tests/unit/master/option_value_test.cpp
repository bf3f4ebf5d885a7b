#include "master/option_value.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string problem_of(const char* key, const char* text) {
  Options options;
  return give_text(*find_option(key), text, options).value_or("");
}

TEST(OptionValue, SaysWhatItTakes) {
  EXPECT_EQ(problem_of("count", "0"), "must be a whole number from 1 to 256, not '0'");
  EXPECT_EQ(problem_of("count", "1K"), "must be a whole number from 1 to 256, not '1K'");
  EXPECT_EQ(problem_of("send_queue", "1K"), "");
  EXPECT_EQ(problem_of("send_queue", "1"),
            "must be a size from 1024 to 1073741824 bytes, as in 65536, 64K or 1M, not '1'");
  EXPECT_EQ(problem_of("close_timeout", "5 s"),
            "must be a time from 10ms to 1h, as in 10 (seconds), 500ms, 5m or 1h, not '5 s'");
  EXPECT_EQ(problem_of("log_level", "loud"), "must be debug, info, warning or error, not 'loud'");
  EXPECT_EQ(problem_of("log_level", "warn"), "");
  EXPECT_EQ(problem_of("page", "yes"), "must be true or false, not 'yes'");
  EXPECT_THAT(problem_of("app", "\xFF"), HasSubstr("UTF-8"));
  EXPECT_THAT(problem_of("name", "a\nb"), HasSubstr("'a\\nb'"));
}

TEST(OptionValue, IsReadAsItIsWritten) {
  const auto again = [](const char* key, std::vector<const char*> texts) {
    Options options;
    const OptionEntry& entry = *find_option(key);
    for (const char* text : texts) EXPECT_EQ(give_text(entry, text, options), std::nullopt) << text;
    return texts_of(entry, options);
  };
  EXPECT_THAT(again("count", {"7"}), ElementsAre("7"));
  EXPECT_THAT(again("max_message", {"65536"}), ElementsAre("64K"));
  EXPECT_THAT(again("idle_timeout", {"0.5"}), ElementsAre("500ms"));
  EXPECT_THAT(again("deflate", {"true"}), ElementsAre("true"));
  EXPECT_THAT(again("listen", {"ws://[::1]:1", "unix:/a"}), ElementsAre("ws://[::1]:1", "unix:/a"));
  EXPECT_THAT(again("allow_origin", {"absent", "null"}), ElementsAre("absent", "null"));
  EXPECT_THAT(again("set", {"b=2", "a=1=1"}), ElementsAre("a=1=1", "b=2"));
  EXPECT_THAT(again("api", {}), IsEmpty());
}

TEST(OptionValue, BoundsItsLists) {
  const auto add = [](const char* key, unsigned count) {
    Options options;
    std::optional<std::string> problem;
    for (unsigned i = 0; i < count && !problem; ++i)
      problem = give_text(*find_option(key), key == std::string_view("listen") ? "ws://a:0" : "absent", options);
    return problem.value_or("");
  };
  EXPECT_EQ(add("listen", 64), "");
  EXPECT_EQ(add("listen", 65), "may be given 64 times at most");
  EXPECT_EQ(add("tls_cert", 65), "may be given 64 times at most");
  EXPECT_EQ(add("allow_origin", 1000), "");
  EXPECT_EQ(add("allow_origin", 1001), "may be given 1000 times at most");
}

TEST(OptionValue, MakesRelativePathsAbsolute) {
  const auto absolute = [](const char* key, const char* text) {
    return with_absolute_path(*find_option(key), text, "/etc/wsd");
  };
  EXPECT_EQ(absolute("log_file", "a/../b.log"), "/etc/wsd/b.log");
  EXPECT_EQ(absolute("log_file", "/var/b.log"), "/var/b.log");
  EXPECT_EQ(absolute("log_file", ""), "");
  EXPECT_EQ(absolute("tls_cert", "a.pem"), "/etc/wsd/a.pem");
  EXPECT_EQ(absolute("app", "echo"), "echo");
  EXPECT_EQ(absolute("app", "echo.cpp"), "/etc/wsd/echo.cpp");
  EXPECT_EQ(absolute("listen", "unix:a"), "unix:/etc/wsd/a");
  EXPECT_EQ(absolute("listen", "unix:"), "unix:");
  EXPECT_EQ(absolute("listen", "ws://a:1"), "ws://a:1");
  EXPECT_EQ(absolute("trusted_proxy", "unix:"), "unix:");
  EXPECT_EQ(absolute("name", "a"), "a");
}

}  // namespace
}  // namespace wsd::master
