#include "master/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "master/connection_table.h"
#include "master/exit_status.h"
#include "master/nearest_word.h"
#include "master/option_table.h"
#include "master/option_value.h"
#include "master/quantities.h"
#include "protocol/printable_text.h"
#include "protocol/wrapped_text.h"
#include "worker/apps/builtin_apps.h"

namespace wsd::master {

namespace {

constexpr std::string_view general_help =
    R"(wsd: a WebSocket server with a master, workers and callbacks.

Usage: wsd COMMAND [APP] [options]

Commands:
  start [APP]    start a server; without APP it is echo on ws://0.0.0.0:8080
  stop           stop it: clients get Close 1001; -g gives them time
  restart [APP]  stop and start, with the options it was started with
  reload [APP]   new code takes over while every client stays connected
  upgrade        the same for wsd itself: the binary now on disk takes over
  reopen         new log files, for those that logrotate has renamed
  status         what each worker does; --watch like top, --json for programs
  connections    who is connected: age, traffic, queue and more; with filters
  check [APP]    what start would do, and whether it could
  publish CHANNEL DATA
                 a message to every subscriber of a channel
  version        the version of wsd

`wsd COMMAND --help` lists the options of a command.
)";

constexpr std::string_view value_help =
    R"(SIZE is a number of bytes, or 64K, 1M, 1G. TIME is a number of seconds, or
500ms, 10s, 5m, 1h, 1d.)";

constexpr std::chrono::milliseconds default_watch{2000};
constexpr std::chrono::milliseconds shortest_watch{100};
constexpr std::chrono::milliseconds longest_watch{3'600'000};

struct CommandEntry {
  const char* name;
  Command command;
  const char* description;
  bool takes_options;  // APP and all the options of start
};
constexpr std::array<CommandEntry, 11> commands{{
    {"start", Command::start, "Start a server.", true},
    {"stop", Command::stop, "Stop a server.", false},
    {"restart", Command::restart,
     "Stop a server and start it anew. What is not given stays as it was; a server that does not run is started.",
     true},
    {"reload", Command::reload,
     "Put new code and options in place while every client stays connected. What is not given stays as it was.", true},
    {"upgrade", Command::upgrade, "Let the wsd that is now on disk take over, while every client stays connected.",
     false},
    {"reopen", Command::reopen, "Open the log files anew, once they were renamed (logrotate).", false},
    {"status", Command::status, "Show what a server is doing.", false},
    {"connections", Command::connections, "Show the connections of a server. All filters that are given must hold.",
     false},
    {"check", Command::check,
     "Read everything as start would, try addresses, certificates and the app, and print the configuration.", true},
    {"publish", Command::publish, "Publish a message to every subscriber of a channel.", false},
    {"version", Command::version, "Show the version of wsd.", false},
}};

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::usage, line);
}

const CommandEntry& find_command(std::string_view word) {
  std::vector<std::string> names;
  for (const CommandEntry& entry : commands) {
    if (word == entry.name) return entry;
    names.emplace_back(entry.name);
  }
  if (word.starts_with('-')) {
    fail(fmt::format("the command comes before '{}': try `wsd start --help`", protocol::printable(word)));
  }
  const std::string nearest = nearest_word(word, names);
  fail(fmt::format("unknown command '{}'{} `wsd --help` lists all", protocol::printable(word),
                   nearest.empty() ? ";" : fmt::format(": the nearest is `wsd {}`, and", nearest)));
}

std::optional<std::uint32_t> slot_from(std::string_view text) {
  std::uint32_t slot = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), slot);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(slot) : std::nullopt;
}

// " (repeatable; default: none)": what help says of an option besides its description.
std::string remark_on(const OptionEntry& entry) {
  std::vector<std::string> parts;
  if (entry.is_list() || entry.has_settings()) parts.emplace_back("repeatable");
  if (const std::string text = default_text_of(entry); !text.empty()) parts.push_back("default: " + text);
  return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, "; "));
}

// Help for a terminal of 80 columns, 30 of which are the flags'.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return protocol::wrapped(option->get_description(), 50);
  }
};

// What CLI11 fills in while it parses.
class Parser {
 public:
  explicit Parser(const CommandEntry& entry)
      : entry_(entry), app_(protocol::wrapped(entry.description, 80), std::string("wsd ") + entry.name) {
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.set_help_flag("-h,--help", "This text");
    app_.allow_extras();  // found and named by refuse_leftovers()
    result_.command = entry.command;
    add_options();
  }

  std::variant<CommandLine, Help> parse(std::vector<std::string> arguments) try {
    refuse_empty_values(arguments);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app_.parse(std::move(arguments));
    refuse_leftovers();
    return std::move(result_);
  } catch (const CLI::CallForHelp&) {
    return Help{app_.help()};
  } catch (const CLI::ParseError& error) {
    fail(fmt::format("{}; see `wsd {} --help`", protocol::printable(error.what()), entry_.name));
  }

  [[nodiscard]] CommandDescription describe() const {
    CommandDescription command{.name = entry_.name, .description = entry_.description, .arguments = {}};
    for (const CLI::Option* option : app_.get_options()) command.arguments.push_back(describe(*option));
    return command;
  }

 private:
  [[nodiscard]] ArgumentDescription describe(const CLI::Option& option) const {
    ArgumentDescription argument;
    for (const std::string& name : option.get_snames()) argument.flags.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) argument.flags.push_back("--" + name);
    const bool takes_value = option.get_items_expected_max() > 0;
    if (takes_value) argument.value_name = option.get_positional() ? option.get_name() : option.get_type_name();
    argument.value_is_optional = takes_value && option.get_items_expected_min() == 0;
    argument.is_required = option.get_required();
    argument.description = option.get_description();
    const auto choices = choices_.find(option.get_name());
    if (choices != choices_.end()) argument.choices = choices->second;
    return argument;
  }

  void add_options() {
    const bool stops = entry_.takes_options && entry_.command != Command::check;
    if (stops || entry_.command == Command::stop) {
      const bool ends_a_server = entry_.command == Command::stop || entry_.command == Command::restart;
      app_.add_flag("-g,--graceful", result_.graceful,
                    ends_a_server ? "Give clients --drain-timeout to leave"
                                  : "Changes nothing here: taken because Workerman's users are used to it");
    }
    const bool tells_json = entry_.command == Command::status || entry_.command == Command::reload ||
                            entry_.command == Command::upgrade || entry_.command == Command::publish ||
                            entry_.command == Command::check || entry_.command == Command::connections;
    if (entry_.command == Command::connections) add_filters();
    if (entry_.command == Command::status) add_watch();
    if (entry_.command == Command::publish) {
      app_.add_option("CHANNEL", result_.channel, "Its name")->required()->type_name("");
      app_.add_option("DATA", result_.data, "The message; - reads it from standard input")->required()->type_name("");
      app_.add_flag("--binary", result_.binary, "As a binary message; otherwise it is text, in UTF-8");
    }
    if (tells_json) app_.add_flag("--json", result_.json, "One JSON object");
    for (const OptionEntry& option : option_table()) {
      const bool is_known =
          option.group == OptionGroup::instance ? entry_.command != Command::version : entry_.takes_options;
      if (is_known) option.kind == OptionKind::toggle ? add_toggle(option) : add(option);
    }
    if (entry_.takes_options) app_.footer(std::string(value_help));
  }

  void add_watch() {
    const std::function<void(const std::string&)> take_it = [this](const std::string& text) {
      const auto time = text.empty() ? std::optional(default_watch) : duration_from(text);
      if (!time || *time < shortest_watch || *time > longest_watch) {
        fail(fmt::format("--watch takes 100ms to 1h between two looks, not '{}'", protocol::printable(text)));
      }
      result_.watch = time;
    };
    app_.add_option_function("--watch", take_it, "Again and again, every TIME (default 2s), with rates; q ends it")
        ->expected(0, 1)
        ->type_name("TIME");
  }

  void add_filters() {
    worker::ConnectionFilter& filter = result_.filter;
    const auto take = [this](const char* flag, const char* value_name, const char* description,
                             std::function<bool(const std::string&)> read) {
      const std::function<void(const std::string&)> take_it = [flag, read = std::move(read)](const std::string& text) {
        if (!read(text))
          fail(fmt::format("{} cannot be '{}'; see `wsd connections --help`", flag, protocol::printable(text)));
      };
      app_.add_option_function(flag, take_it, description)->type_name(value_name);
    };
    const auto take_time = [&take](const char* flag, const char* description, std::uint64_t& ms) {
      take(flag, "TIME", description, [&ms](const std::string& text) {
        const auto time = duration_from(text);
        if (time) ms = static_cast<std::uint64_t>(time->count());
        return time.has_value();
      });
    };
    take("--worker", "SLOT", "Of this worker", [&filter](const std::string& text) {
      filter.slot = slot_from(text);
      return filter.slot.has_value();
    });
    take("--remote", "ADDRESS", "From this address, or network: 192.0.2.0/24; unix: for those without an address",
         [&filter](const std::string& text) {
           filter.remote = text;
           return !text.empty() && worker::is_remote_filter(text);
         });
    take("--path", "PREFIX", "Whose path begins with this", [&filter](const std::string& text) {
      filter.path = text;
      return true;
    });
    take("--state", "STATE", "opening, open, paused (the app does not read), closing or ending",
         [&filter](const std::string& text) {
           filter.state = worker::connection_state_from(text);
           return filter.state.has_value();
         });
    choices_["--state"] = worker::connection_state_names();
    take_time("--min-age", "Open for at least so long", filter.min_age_ms);
    take_time("--min-idle", "Without a message for at least so long", filter.min_idle_ms);
    take("--min-queue", "SIZE", "For whom at least so much waits", [&filter](const std::string& text) {
      const auto size = size_from(text);
      filter.min_queue = size.value_or(0);
      return size.has_value();
    });
    take("--sort", "COLUMN", "Numbers from the largest down (default id)", [this](const std::string& text) {
      if (const auto problem = problem_with_column(text)) fail(*problem);
      result_.sort = text;
      return true;
    });
    choices_["--sort"] = connection_columns();
    app_.add_option("--limit", result_.limit, "Show so many at most")->type_name("N");
    app_.footer(std::string(value_help));
  }

  void add(const OptionEntry& option) {
    const std::function<void(const std::string&)> take_it = [this, &option](const std::string& text) {
      take(option, text);
    };
    const bool is_positional = !option.flag().starts_with('-');
    app_.add_option_function(option.flag(), take_it, std::string(option.description) + remark_on(option))
        ->trigger_on_parse()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->type_name(is_positional ? "" : std::string(option.value_name))
        ->group(is_positional ? "Positionals" : std::string(title_of(option.group)));
    choices_[option.flag()] = {option.choices.begin(), option.choices.end()};
    if (option.kind == OptionKind::app) {
      const auto names = worker::builtin_app_names();
      choices_[option.flag()] = {names.begin(), names.end()};
    }
  }

  void add_toggle(const OptionEntry& option) {
    const std::string by_default = default_text_of(option);  // of some it is neither
    const std::string flag = option.flag();
    const std::string name = option.short_flag == '\0' ? flag : fmt::format("-{},{}", option.short_flag, flag);
    add_switch(option, name, "true", option.description, by_default == "true");
    add_switch(option, "--no-" + flag.substr(2), "false", option.opposite, by_default == "false");
  }

  void add_switch(const OptionEntry& option, const std::string& name, const char* value, std::string_view description,
                  bool is_default) {
    const std::function<void()> take_it = [this, &option, value] { take(option, value); };
    app_.add_flag_callback(name, take_it, fmt::format("{}{}", description, is_default ? " (the default)" : ""))
        ->trigger_on_parse()
        ->group(std::string(title_of(option.group)));
  }

  // A daemon works in /, and a reload reaches a master that was started elsewhere.
  void take(const OptionEntry& option, const std::string& text) {
    const std::string here = std::filesystem::current_path();
    if (const auto problem = result_.options.set_text(option.key, with_absolute_path(option, text, here)))
      fail(*problem);
  }

  // CLI11 would take the next argument for the value of `--count=`.
  void refuse_empty_values(const std::vector<std::string>& arguments) const {
    for (const std::string& argument : arguments) {
      if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
        fail(fmt::format("'{}' lacks its value; see `wsd {} --help`", protocol::printable(argument), entry_.name));
      }
    }
  }

  void refuse_leftovers() {
    std::vector<std::string> leftovers = app_.remaining();
    std::erase(leftovers, "--");  // what follows it is no option; it is nothing itself
    const auto option = std::ranges::find_if(leftovers, [](const std::string& text) { return text.starts_with('-'); });
    if (option != leftovers.end()) refuse_unknown_option(option->substr(0, option->find('=')));
    if (!leftovers.empty()) {
      fail(fmt::format("'{}' is one argument too many for `wsd {}`; see `wsd {} --help`",
                       protocol::printable(leftovers.front()), entry_.name, entry_.name));
    }
  }

  [[noreturn]] void refuse_unknown_option(const std::string& option) {
    std::vector<std::string> names;
    for (const CLI::Option* known : app_.get_options()) {
      for (const std::string& name : known->get_lnames()) names.push_back("--" + name);
      for (const std::string& name : known->get_snames()) names.push_back("-" + name);
    }
    const std::string nearest = nearest_word(option, names);
    fail(fmt::format("unknown option '{}'{} `wsd {} --help` lists all", protocol::printable(option),
                     nearest.empty() ? ";" : fmt::format(": the nearest is '{}', and", nearest), entry_.name));
  }

  const CommandEntry& entry_;
  CLI::App app_;
  std::map<std::string, std::vector<std::string>> choices_;  // of "--log-level": the words that it takes
  CommandLine result_;
};

}  // namespace

std::vector<CommandDescription> describe_commands() {
  std::vector<CommandDescription> descriptions;
  for (const CommandEntry& entry : commands) descriptions.push_back(Parser(entry).describe());
  return descriptions;
}

std::variant<CommandLine, Help> parse_command_line(std::span<const char* const> arguments) {
  if (arguments.empty()) return Help{std::string(general_help)};
  const std::string_view first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") return Help{std::string(general_help)};
  const CommandEntry& entry = find_command(first == "--version" ? "version" : first);
  return Parser(entry).parse(std::vector<std::string>(arguments.begin() + 1, arguments.end()));
}

}  // namespace wsd::master
