#include "master/command_line.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "master/exit_status.h"

namespace wsd::master {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::variant<CommandLine, Help> parse(std::initializer_list<const char*> arguments) {
  return parse_command_line(std::vector<const char*>(arguments));
}

CommandLine line(std::initializer_list<const char*> arguments) {
  return std::get<CommandLine>(parse(arguments));
}

// The sentence that a wrong command line gets.
std::string refusal(std::initializer_list<const char*> arguments) {
  try {
    static_cast<void>(parse(arguments));
  } catch (const CommandError& error) {
    EXPECT_EQ(error.status(), CommandStatus::usage);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(CommandLine, StartsEchoByDefault) {
  const CommandLine start = line({"start"});
  EXPECT_EQ(start.command, Command::start);
  EXPECT_EQ(to_json(start.options), "{}");
  EXPECT_EQ(*start.options.app, "echo");
  EXPECT_FALSE(*start.options.daemon);
  EXPECT_FALSE(start.graceful);
}

TEST(CommandLine, TakesTheAppBeforeAndBehindOptions) {
  EXPECT_EQ(*line({"start", "push", "-d"}).options.app, "push");
  EXPECT_EQ(*line({"start", "-d", "push"}).options.app, "push");
  EXPECT_EQ(*line({"start", "--count", "2", "push"}).options.app, "push");
  EXPECT_EQ(*line({"start", "--set", "a=1", "push"}).options.app, "push");
  EXPECT_EQ(*line({"start", "--listen", "ws://a:1", "push"}).options.app, "push");
}

TEST(CommandLine, MakesAnAppsPathAbsoluteAndLeavesABuiltInsName) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(*line({"start", "hello.cpp"}).options.app, here + "/hello.cpp");
  EXPECT_EQ(*line({"reload", "./a/../hello.so"}).options.app, here + "/hello.so");
  EXPECT_EQ(*line({"start", "/srv/hello.cc"}).options.app, "/srv/hello.cc");
  EXPECT_EQ(*line({"start", "push"}).options.app, "push");
}

TEST(CommandLine, CombinesDaemonAndGracefulInAnyOrder) {
  for (const auto& flags : {std::vector<const char*>{"restart", "-dg"},
                            {"restart", "-gd"},
                            {"restart", "-d", "-g"},
                            {"restart", "-g", "-d"},
                            {"restart", "--graceful", "--daemon"}}) {
    const auto restart = std::get<CommandLine>(parse_command_line(flags));
    EXPECT_TRUE(*restart.options.daemon);
    EXPECT_TRUE(restart.graceful);
  }
}

TEST(CommandLine, KnowsEachCommand) {
  EXPECT_EQ(line({"stop"}).command, Command::stop);
  EXPECT_TRUE(line({"stop", "-g"}).graceful);
  EXPECT_EQ(line({"restart"}).command, Command::restart);
  EXPECT_EQ(line({"reload"}).command, Command::reload);
  EXPECT_EQ(line({"status"}).command, Command::status);
  EXPECT_TRUE(line({"status", "--json"}).json);
  EXPECT_EQ(line({"check", "push", "--count", "2", "--json"}).command, Command::check);
  EXPECT_THAT(refusal({"check", "-g"}), HasSubstr("unknown option '-g'"));
  EXPECT_EQ(line({"version"}).command, Command::version);
  EXPECT_EQ(line({"--version"}).command, Command::version);
}

TEST(CommandLine, MakesThePathsOfUnixSocketsAbsolute) {
  const std::string here = std::filesystem::current_path().string();
  const Options options =
      line({"start", "--listen", "unix:a/../b", "--api", "unix:c", "--api-token-file", "t"}).options;
  EXPECT_EQ(options.listen->at(0).path, here + "/b");
  EXPECT_EQ(options.api->at(0).path, here + "/c");
  EXPECT_EQ(*options.api_token_file, here + "/t");
  EXPECT_THAT(refusal({"start", "--listen", "unix:"}), HasSubstr("no path"));
}

TEST(CommandLine, SwitchesCompressionOnAndOffAgain) {
  EXPECT_FALSE(line({"start"}).options.deflate.given());
  const Options options =
      line({"start", "--deflate", "--deflate-window-bits", "12", "--deflate-threshold", "0", "--deflate-mem-level", "9",
            "--deflate-level", "1", "--deflate-server-takeover", "--deflate-client-takeover"})
          .options;
  EXPECT_TRUE(*options.deflate && *options.deflate_server_takeover && *options.deflate_client_takeover);
  EXPECT_EQ(*options.deflate_window_bits, 12U);
  EXPECT_EQ(*options.deflate_threshold, 0U);
  EXPECT_EQ(*options.deflate_mem_level, 9U);
  EXPECT_EQ(*options.deflate_level, 1U);
  Options remembered = options;
  remembered.merge(line({"reload", "--no-deflate", "--no-deflate-client-takeover"}).options);
  EXPECT_FALSE(*remembered.deflate || *remembered.deflate_client_takeover);
  EXPECT_TRUE(*remembered.deflate_server_takeover);
}

TEST(CommandLine, TurnsThePageOffAndOnAgain) {
  EXPECT_TRUE(*line({"start"}).options.page);
  EXPECT_FALSE(*line({"start", "--no-page"}).options.page);
  const Options on = line({"reload", "--page"}).options;
  EXPECT_TRUE(on.page.given() && *on.page);
}

TEST(CommandLine, ReadsWhatIsToBePublished) {
  const CommandLine publish = line({"publish", "room/1", "[1,2]", "--binary", "--json", "--name", "chat"});
  EXPECT_EQ(publish.command, Command::publish);
  EXPECT_EQ(publish.channel, "room/1");
  EXPECT_EQ(publish.data, "[1,2]");
  EXPECT_TRUE(publish.binary && publish.json);
  EXPECT_EQ(*publish.options.name, "chat");
  EXPECT_EQ(line({"publish", "c", "-"}).data, "-");
  EXPECT_EQ(line({"publish", "c", ""}).data, "");
  EXPECT_EQ(line({"publish", "c", "--", "-5"}).data, "-5");
  EXPECT_THAT(refusal({"publish"}), HasSubstr("CHANNEL"));
  EXPECT_THAT(refusal({"publish", "c"}), HasSubstr("DATA"));
  EXPECT_THAT(refusal({"publish", "c", "d", "e"}), HasSubstr("one argument too many"));
}

TEST(CommandLine, ReadsEveryOption) {
  const CommandLine start = line({"start",
                                  "--listen",
                                  "ws://0.0.0.0:1",
                                  "--listen=websocket://[::1]:2",
                                  "--api",
                                  "http://127.0.0.1:3",
                                  "--api-token-file",
                                  "/t",
                                  "--no-page",
                                  "--subprotocol",
                                  "protocol1",
                                  "--count",
                                  "3",
                                  "--name",
                                  "chat",
                                  "--run-dir",
                                  "/r",
                                  "--log-file",
                                  "/l",
                                  "--log-level",
                                  "debug",
                                  "--stdout-file",
                                  "/o",
                                  "--set",
                                  "prefix=",
                                  "--set",
                                  "interval=0.5",
                                  "--stop-timeout",
                                  "1.5",
                                  "--drain-timeout=4",
                                  "--max-message",
                                  "10",
                                  "--send-queue",
                                  "2048",
                                  "--handshake-timeout",
                                  "1",
                                  "--ping-interval",
                                  "0",
                                  "--idle-timeout",
                                  "7",
                                  "--close-timeout",
                                  "8",
                                  "--watchdog",
                                  "9"});
  EXPECT_EQ(to_json(start.options),
            R"({"set":{"interval":"0.5","prefix":""},"page":false,"subprotocol":"protocol1",)"
            R"("listen":["ws://0.0.0.0:1","ws://[::1]:2"],"api":["http://127.0.0.1:3"],"api_token_file":"/t",)"
            R"("count":3,"stop_timeout":1.5,"drain_timeout":4,"watchdog":9,"max_message":10,"send_queue":2048,)"
            R"("handshake_timeout":1,"ping_interval":0,"idle_timeout":7,"close_timeout":8,"log_file":"/l",)"
            R"("log_level":"debug","stdout_file":"/o","name":"chat","run_dir":"/r"})");
}

TEST(CommandLine, TakesTheLastOfARepeatedOption) {
  EXPECT_TRUE(*line({"start", "-d", "--no-daemon", "--daemon", "-d"}).options.daemon);
  const Options foreground = line({"start", "-d", "--no-daemon"}).options;
  EXPECT_TRUE(foreground.daemon.given() && !*foreground.daemon);
  EXPECT_EQ(*line({"start", "--count", "2", "--count", "3"}).options.count, 3U);
}

TEST(CommandLine, MakesPathsAbsolute) {
  const CommandLine start = line({"start", "--run-dir", "run", "--log-file", "./a/../b.log"});
  EXPECT_TRUE(start.options.run_dir->starts_with('/'));
  EXPECT_TRUE(start.options.run_dir->ends_with("/run"));
  EXPECT_TRUE(start.options.log_file->ends_with("/b.log"));
  EXPECT_EQ(start.options.log_file->find(".."), std::string::npos);
}

TEST(CommandLine, KeepsSettingsThatLookLikeSomethingElse) {
  EXPECT_THAT(*line({"start", "--set", "[a]=[b]", "--set", "b=-d", "--set", "c=x y,z"}).options.set,
              ElementsAre(Pair("[a]", "[b]"), Pair("b", "-d"), Pair("c", "x y,z")));
}

TEST(CommandLine, HelpsWithoutACommandAndEverywhere) {
  EXPECT_THAT(std::get<Help>(parse({})).text, HasSubstr("wsd COMMAND"));
  EXPECT_THAT(std::get<Help>(parse({"--help"})).text, HasSubstr("wsd COMMAND"));
  for (const char* command : {"start", "stop", "restart", "reload", "status", "version"}) {
    EXPECT_THAT(std::get<Help>(parse({command, "--help"})).text, HasSubstr(std::string("wsd ") + command));
  }
  EXPECT_THAT(std::get<Help>(parse({"start", "-h"})).text, HasSubstr("--drain-timeout"));
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return longest;
}

TEST(CommandLine, HelpFitsATerminal) {
  EXPECT_LE(longest_line(std::get<Help>(parse({"--help"})).text), 80U);
  for (const CommandDescription& command : describe_commands()) {
    EXPECT_LE(longest_line(std::get<Help>(parse({command.name.data(), "--help"})).text), 80U) << command.name;
  }
}

TEST(CommandLine, NamesTheNearestCommand) {
  EXPECT_THAT(refusal({"strat"}), HasSubstr("`wsd start`"));
  EXPECT_THAT(refusal({"relaod"}), HasSubstr("`wsd reload`"));
  EXPECT_THAT(refusal({"\n\x1B"}), HasSubstr(R"('\n\e')"));
  EXPECT_EQ(refusal({"nonsense"}), "unknown command 'nonsense'; `wsd --help` lists all");
}

TEST(CommandLine, NamesTheNearestOption) {
  EXPECT_THAT(refusal({"start", "--lisen", "ws://a:1"}), HasSubstr("'--listen'"));
  EXPECT_THAT(refusal({"start", "--cuont=3"}), HasSubstr("'--count'"));
  EXPECT_THAT(refusal({"status", "--jsn"}), HasSubstr("'--json'"));
  EXPECT_THAT(refusal({"stop", "--daemon"}), HasSubstr("unknown option '--daemon'"));
  EXPECT_THAT(refusal({"start", "-x"}), HasSubstr("unknown option '-x'"));
  EXPECT_THAT(refusal({"start", "-dx"}), HasSubstr("unknown option"));
  EXPECT_EQ(refusal({"start", "--nonsense"}), "unknown option '--nonsense'; `wsd start --help` lists all");
}

TEST(CommandLine, RefusesWrongValues) {
  EXPECT_THAT(refusal({"start", "--count", "0"}), HasSubstr("from 1 to 256"));
  EXPECT_THAT(refusal({"start", "--count", "10000"}), HasSubstr("from 1 to 256"));
  EXPECT_THAT(refusal({"start", "--count", "-1"}), HasSubstr("--count"));
  EXPECT_THAT(refusal({"start", "--count", "four"}), HasSubstr("--count"));
  EXPECT_THAT(refusal({"start", "--count"}), HasSubstr("--count"));
  EXPECT_THAT(refusal({"start", "--count="}), HasSubstr("--count"));
  EXPECT_THAT(refusal({"start", "--count=", "3"}), HasSubstr("--count"));
  EXPECT_THAT(refusal({"start", "--listen", "nonsense"}), HasSubstr("--listen"));
  EXPECT_THAT(refusal({"start", "--name", "../etc"}), HasSubstr("--name"));
  EXPECT_THAT(refusal({"start", "--set", "novalue"}), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(refusal({"start", "--set", "a=\xFF"}), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal({"start", "--log-file", ""}), HasSubstr("--log-file"));
  EXPECT_THAT(refusal({"start", ""}), HasSubstr("APP"));
  EXPECT_THAT(refusal({""}), HasSubstr("unknown command"));
}

TEST(CommandLine, DescribesWhatCommandsTake) {
  const std::string help = std::get<Help>(parse({"--help"})).text;
  for (const CommandDescription& command : describe_commands()) {
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(command.name) + " "));
    const std::string own_help = std::get<Help>(parse({command.name.data(), "--help"})).text;
    for (const ArgumentDescription& argument : command.arguments) {
      for (const std::string& flag : argument.flags) EXPECT_THAT(own_help, HasSubstr(flag));
      EXPECT_THAT(own_help, HasSubstr(argument.value_name));
      EXPECT_FALSE(argument.flags.empty() && argument.value_name.empty());
    }
  }
}

TEST(CommandLine, DescribesValues) {
  const auto commands = describe_commands();
  const auto argument_of = [&commands](std::string_view command, const std::string& name) {
    const auto entry = std::ranges::find(commands, command, &CommandDescription::name);
    return *std::ranges::find_if(entry->arguments, [&name](const ArgumentDescription& argument) {
      return argument.flags.empty() ? argument.value_name == name : argument.flags.back() == name;
    });
  };
  const ArgumentDescription level = argument_of("start", "--log-level");
  EXPECT_EQ(level.value_name, "LEVEL");
  EXPECT_FALSE(level.value_is_optional);
  EXPECT_THAT(level.description, HasSubstr("(default: info)"));
  EXPECT_THAT(level.choices, ElementsAre("debug", "info", "warning", "error"));
  EXPECT_THAT(argument_of("start", "--graceful").flags, ElementsAre("-g", "--graceful"));
  EXPECT_EQ(argument_of("start", "--graceful").value_name, "");
  EXPECT_THAT(argument_of("check", "APP").choices, Contains("chat"));
  EXPECT_FALSE(argument_of("check", "APP").is_required);
  EXPECT_TRUE(argument_of("publish", "CHANNEL").is_required);
}

TEST(CommandLine, RefusesWhatIsTooMuch) {
  EXPECT_THAT(refusal({"start", "echo", "push"}), HasSubstr("'push'"));
  EXPECT_THAT(refusal({"stop", "echo"}), HasSubstr("'echo'"));
  EXPECT_THAT(refusal({"version", "--name", "a"}), HasSubstr("--name"));
  EXPECT_THAT(refusal({"-d", "start"}), HasSubstr("before"));
}

}  // namespace
}  // namespace wsd::master
