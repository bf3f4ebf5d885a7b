#include "tests/wsbench/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::bench {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Options options_of(std::vector<const char*> words) {
  return std::get<Options>(parse_command_line(words));
}

std::string complaint(std::vector<const char*> words) {
  try {
    static_cast<void>(parse_command_line(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(CommandLineTest, HasTheDefaultsOfWrk) {
  const Options options = options_of({"ws://127.0.0.1:8080/x"});
  EXPECT_EQ(options.mode, ModeName::echo);
  EXPECT_EQ(options.connections, 10U);
  EXPECT_EQ(options.processes, 2U);
  EXPECT_EQ(options.duration, Seconds(10));
  EXPECT_EQ(options.timeout, Seconds(2));
  EXPECT_EQ(options.pipeline, 1U);
  EXPECT_EQ(options.rate, 0);
  EXPECT_EQ(options.url.path, "/x");
  EXPECT_TRUE(options.sources.empty());
}

TEST(CommandLineTest, TakesTheFlagsOfWrk) {
  const Options options = options_of(
      {"-c", "1k", "-t", "4", "-d", "2m", "-R", "10k", "-H", "A: b", "-H", "C: d: e", "--latency", "ws://127.0.0.1/"});
  EXPECT_EQ(options.connections, 1000U);
  EXPECT_EQ(options.processes, 4U);
  EXPECT_EQ(options.duration, Seconds(120));
  EXPECT_EQ(options.rate, 10'000);
  EXPECT_THAT(options.headers, ElementsAre("A: b", "C: d: e"));
  EXPECT_TRUE(options.shows_distribution);
}

TEST(CommandLineTest, TakesOptionsBehindTheUrlAndTheLaterCounts) {
  const Options options = options_of({"ws://127.0.0.1/", "--connections=5", "-c3", "--pid=1", "--pid", "2", "--churn"});
  EXPECT_EQ(options.connections, 3U);
  EXPECT_THAT(options.server_pids, ElementsAre(1, 2));
  EXPECT_EQ(options.mode, ModeName::churn);
}

TEST(CommandLineTest, TakesNothingForAValue) {
  const Options options = options_of({"--prefix=", "ws://127.0.0.1/"});
  EXPECT_EQ(options.prefix, "");
  EXPECT_EQ(options.url.path, "/");
  EXPECT_EQ(options_of({"--prefix", "a", "--prefix=", "--reload=", "--latency", "ws://127.0.0.1/"}).prefix, "");
  EXPECT_EQ(options_of({"--prefix==", "ws://127.0.0.1/"}).prefix, "=");
  EXPECT_THAT(complaint({"--rate=", "5", "ws://127.0.0.1/"}), HasSubstr("not ''"));
  EXPECT_THAT(complaint({"--subprotocol=", "ws://127.0.0.1/"}), HasSubstr("not ''"));
  EXPECT_THAT(complaint({"--cacert=", "wss://127.0.0.1/"}), HasSubstr("--cacert"));
}

TEST(CommandLineTest, HasNoMoreProcessesThanConnections) {
  EXPECT_EQ(options_of({"-c", "3", "-t", "8", "ws://127.0.0.1/"}).processes, 3U);
}

TEST(CommandLineTest, ChoosesSourcesWhereConnectionsNeedThem) {
  EXPECT_EQ(options_of({"-c", "28k", "ws://127.0.0.1/"}).sources.size(), 0U);
  EXPECT_EQ(options_of({"-c", "100k", "ws://127.0.0.1/"}).sources.size(), 29U);
  EXPECT_EQ(options_of({"-c", "100k", "ws://[::1]/"}).sources.size(), 0U);
  EXPECT_EQ(options_of({"--source", "127.0.0.2-127.0.0.4", "ws://127.0.0.1/"}).sources.size(), 3U);
}

TEST(CommandLineTest, AFanOutHasLargerMessagesAndOtherConnectionsToo) {
  const Options options =
      options_of({"--fanout", "-c", "20", "--publishers", "3", "--stalled", "2", "--pipeline", "4", "ws://127.0.0.1/"});
  EXPECT_EQ(options.mode, ModeName::fanout);
  EXPECT_EQ(options.all_connections(), 25U);
  EXPECT_EQ(options.sizes.largest(), 125U);
  EXPECT_EQ(options_of({"--fanout", "-s", "32", "ws://127.0.0.1/"}).sizes.largest(), 32U);
  EXPECT_EQ(options_of({"-c", "20", "ws://127.0.0.1/"}).all_connections(), 20U);
}

TEST(CommandLineTest, AReloadIsUnderASteadyLoad) {
  EXPECT_EQ(options_of({"-c", "20", "--reload", "true", "ws://127.0.0.1/"}).rate, 2000);
  EXPECT_EQ(options_of({"-c", "1k", "--reload", "true", "ws://127.0.0.1/"}).rate, 10'000);
  EXPECT_EQ(options_of({"-R", "7", "--reload", "true", "ws://127.0.0.1/"}).rate, 7);
  EXPECT_EQ(options_of({"--fanout", "--reload", "true", "ws://127.0.0.1/"}).rate, 0);
}

TEST(CommandLineTest, ARateMayGrowAndSomeMayStay) {
  const Options options = options_of({"--connect", "-R", "1k-20k", "--stay", "90%", "--ramp", "5", "ws://127.0.0.1/"});
  EXPECT_EQ(options.rate, 1000);
  EXPECT_EQ(options.final_rate, 20'000);
  EXPECT_TRUE(options.grows());
  EXPECT_EQ(options.stay, 0.9);
  EXPECT_FALSE(options_of({"-R", "1k-20k", "-R", "5", "ws://127.0.0.1/"}).grows());
  const char* const url = "ws://127.0.0.1/";
  for (const char* const wrong : {"1k-", "-1k", "2k-1k", "1k-1k", "0-5", "1-2-3"}) {
    EXPECT_THAT(complaint({"--connect", "--rate", wrong, url}), HasSubstr("the smaller one first")) << wrong;
  }
  EXPECT_THAT(complaint({"--fanout", "-R", "1-2", url}), HasSubstr("one number"));
  EXPECT_THAT(complaint({"--churn", "--stay", "100", url}), HasSubstr("0 to 99"));
  EXPECT_THAT(complaint({"--stay", "10", url}), HasSubstr("--connect and --churn"));
  EXPECT_THAT(complaint({"--churn", "--ramp", "10", url}), HasSubstr("let --rate grow"));
}

TEST(CommandLineTest, ListensToWhatIsToBeInsistedOn) {
  const Options options =
      options_of({"--deflate-takeover", "--subprotocol", "a", "--subprotocol", "b", "--insecure", "wss://127.0.0.1/"});
  EXPECT_EQ(options.deflate, protocol::ContextTakeover::yes);
  EXPECT_THAT(options.subprotocols, ElementsAre("a", "b"));
  EXPECT_TRUE(options.is_insecure);
  EXPECT_EQ(options_of({"--deflate", "ws://127.0.0.1/"}).deflate, protocol::ContextTakeover::no);
  EXPECT_EQ(options_of({"ws://127.0.0.1/"}).deflate, std::nullopt);
}

TEST(CommandLineTest, SaysWhatIsWrong) {
  const char* const url = "ws://127.0.0.1/";
  EXPECT_THAT(complaint({"--insecure", url}), HasSubstr("wss://"));
  EXPECT_THAT(complaint({"--subprotocol", "a b", url}), HasSubstr("not 'a b'"));
  EXPECT_THAT(complaint({"--reload-every", "1s", url}), HasSubstr("--reload"));
  EXPECT_THAT(complaint({"--reload", "true", "--reload-every", "10s", "-d", "10s", url}), HasSubstr("shorter than -d"));
  EXPECT_THAT(complaint({"--fanout", "-s", "31", url}), HasSubstr("32 bytes or more"));
  EXPECT_THAT(complaint({"--publishers", "2", url}), HasSubstr("--fanout"));
  EXPECT_THAT(complaint({}), HasSubstr("URL"));
  EXPECT_THAT(complaint({url, url}), HasSubstr("--help"));
  EXPECT_THAT(complaint({"-c", "many", url}), HasSubstr("10k, not 'many'"));
  EXPECT_THAT(complaint({"-d", "0", url}), HasSubstr("30s"));
  EXPECT_THAT(complaint({"-R", "0", url}), HasSubstr("above 0"));
  EXPECT_THAT(complaint({"--pid", "abc", url}), HasSubstr("number of a process, not 'abc'"));
  EXPECT_THAT(complaint({"--pid", "-1", url}), HasSubstr("number of a process, not '-1'"));
  EXPECT_THAT(complaint({"--pid", "12x", url}), HasSubstr("not '12x'"));
  EXPECT_THAT(complaint({"-H", "A", url}), HasSubstr("'Name: value', not 'A'"));
  EXPECT_THAT(complaint({"-H", "A: b\r\nC: d", url}), HasSubstr("Name: value"));
  EXPECT_THAT(complaint({"--idle", "--churn", url}), HasSubstr("choose one"));
  EXPECT_THAT(complaint({"--greet", url}), HasSubstr("--idle"));
  EXPECT_THAT(complaint({"--churn", "--pipeline", "2", url}), HasSubstr("--pipeline"));
  EXPECT_THAT(complaint({"ftp://127.0.0.1/"}), HasSubstr("ws://"));
  EXPECT_THAT(complaint({"ws://no.such.host.invalid/"}), HasSubstr("no.such.host.invalid"));
}

TEST(CommandLineTest, Helps) {
  std::vector<const char*> words{"--help"};
  const std::string help = std::get<Help>(parse_command_line(words)).text;
  EXPECT_THAT(help, HasSubstr("--pipeline"));
  EXPECT_THAT(help, Not(ContainsRegex("[^\n]{81}"))) << "wider than a terminal";
}

}  // namespace
}  // namespace wsd::bench
