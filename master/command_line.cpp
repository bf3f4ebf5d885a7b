#include "master/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "master/app_source.h"
#include "master/exit_status.h"
#include "master/nearest_word.h"
#include "worker/printable_text.h"

namespace wsd::master {

namespace {

constexpr std::string_view general_help =
    R"(wsd: a WebSocket server with a master, workers and callbacks.

Usage: wsd COMMAND [APP] [options]

Commands:
  start [APP]    start a server: `wsd start` serves the app echo on ws://0.0.0.0:8080
  stop           stop it: clients get Close 1001; -g gives them time
  restart [APP]  stop and start, with the options it was started with
  reload [APP]   new code takes over, one slot after the other, while every client stays connected
  upgrade        the same for wsd itself: the binary now on disk takes over
  status         what the master and each worker are doing; --json for programs
  publish CHANNEL DATA   a message to every subscriber of a channel
  version        the version of wsd

`wsd COMMAND --help` lists the options of a command.
)";

struct CommandEntry {
  const char* name;
  Command command;
  const char* description;
  bool takes_options;  // APP and all the options of start
};
constexpr std::array<CommandEntry, 8> commands{{
    {"start", Command::start, "Start a server.", true},
    {"stop", Command::stop, "Stop a server.", false},
    {"restart", Command::restart,
     "Stop a server and start it anew. What is not given stays as it was; a server that does not run is started.",
     true},
    {"reload", Command::reload,
     "Put new code and options in place while every client stays connected. What is not given stays as it was.", true},
    {"upgrade", Command::upgrade, "Let the wsd that is now on disk take over, while every client stays connected.",
     false},
    {"status", Command::status, "Show what a server is doing.", false},
    {"publish", Command::publish, "Publish a message to every subscriber of a channel.", false},
    {"version", Command::version, "Show the version of wsd.", false},
}};

struct OptionEntry {
  const char* flag;
  const char* key;  // of Options::set_text()
  const char* value_name;
  const char* description;
};
constexpr std::array<OptionEntry, 2> instance_options{{
    {"--name", "name", "NAME", "Which instance: several live side by side (default wsd)"},
    {"--run-dir", "run_dir", "DIR",
     "Where NAME.lock, NAME.pid and NAME.sock are (default /run/wsd as root, else $XDG_RUNTIME_DIR/wsd)"},
}};
constexpr auto start_options = std::to_array<OptionEntry>({
    {"--listen", "listen", "URL",
     "ws://HOST:PORT, wss://HOST:PORT or unix:PATH, repeatable; IPv6 in brackets; port 0 picks one; ?proxy behind it: "
     "a "
     "proxy in front speaks the PROXY protocol (default ws://0.0.0.0:8080)"},
    {"--tls-cert", "tls_cert", "FILE",
     "For wss: the certificate and those of its issuers, PEM; repeatable, chosen by the name that the client asks for"},
    {"--tls-key", "tls_key", "FILE", "The private key of each --tls-cert, in the same order"},
    {"--tls-client-ca", "tls_client_ca", "FILE",
     "Clients must have a certificate of one of these authorities (default: they need none)"},
    {"--tls-reload", "tls_reload", "WHAT",
     "At a reload wss clients stay, their TLS relayed by their old worker (relay, the default), or are told to "
     "reconnect (drain)"},
    {"--relay-timeout", "relay_timeout", "SECONDS",
     "How long a relay lives before its clients are told to reconnect; 0: as long as they stay (default 0)"},
    {"--api", "api", "URL", "The HTTP API: http://HOST:PORT or unix:PATH, repeatable (default: none)"},
    {"--api-token-file", "api_token_file", "FILE",
     "What callers of the API must know; needed where other machines reach it"},
    {"--subprotocol", "subprotocol", "NAME", "The WebSocket subprotocol to agree on (default: the app's choice)"},
    {"--allow-origin", "allow_origin", "ORIGIN",
     "Pages that may connect, repeatable: https://chat.example.com, https://*.example.com, *://localhost, null, absent "
     "(default: every page)"},
    {"--trusted-proxy", "trusted_proxy", "CIDR",
     "Whom to believe about the client's address, repeatable: 10.0.0.0/8, ::1, or unix: (default: nobody)"},
    {"--count", "count", "N", "Workers, 1 to 256 (default 4)"},
    {"--set", "set", "KEY=VALUE", "A setting of the app, repeatable"},
    {"--log-file", "log_file", "FILE", "Default: standard error in the foreground, else NAME.log"},
    {"--log-level", "log_level", "LEVEL", "debug, info, warning or error (default info)"},
    {"--stdout-file", "stdout_file", "FILE", "Where a daemon's app writes its standard output (default: the log)"},
    {"--stop-timeout", "stop_timeout", "SECONDS", "For the last bytes to each client at a stop (default 2)"},
    {"--drain-timeout", "drain_timeout", "SECONDS", "For clients to leave at a graceful stop or a reload (default 30)"},
    {"--max-message", "max_message", "BYTES", "The largest message a client may send (default 1048576)"},
    {"--send-queue", "send_queue", "BYTES", "What may wait for one client that reads slowly (default 1048576)"},
    {"--deflate-threshold", "deflate_threshold", "BYTES", "Smaller messages are sent as they are (default 256)"},
    {"--deflate-window-bits", "deflate_window_bits", "N", "Windows of 2^N bytes at most, 9 to 15 (default 15)"},
    {"--deflate-mem-level", "deflate_mem_level", "N", "Memory of a compressor, 1 to 9 (default 8)"},
    {"--deflate-level", "deflate_level", "N", "1 is fastest, 9 compresses best (default 3)"},
    {"--handshake-timeout", "handshake_timeout", "SECONDS", "For the opening handshake (default 10)"},
    {"--ping-interval", "ping_interval", "SECONDS", "Between pings; two misses close; 0: none (default 25)"},
    {"--idle-timeout", "idle_timeout", "SECONDS", "Without a message from the client; 0: no limit (default 0)"},
    {"--close-timeout", "close_timeout", "SECONDS", "For the client's answer to a Close (default 5)"},
    {"--watchdog", "watchdog", "SECONDS", "A worker silent for this long is replaced (default 10)"},
});

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
    fail(fmt::format("the command comes before '{}': try `wsd start --help`", worker::printable(word)));
  }
  fail(fmt::format("unknown command '{}': the nearest is `wsd {}`, and `wsd --help` lists all", worker::printable(word),
                   nearest_word(word, names)));
}

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// What CLI11 fills in while it parses.
class Parser {
 public:
  explicit Parser(const CommandEntry& entry)
      : entry_(entry), app_(entry.description, std::string("wsd ") + entry.name) {
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
    if (daemon_) take("daemon", "true");
    return std::move(result_);
  } catch (const CLI::CallForHelp&) {
    return Help{app_.help()};
  } catch (const CLI::ParseError& error) {
    fail(fmt::format("{}; see `wsd {} --help`", worker::printable(error.what()), entry_.name));
  }

 private:
  void add_options() {
    if (entry_.takes_options) {
      add({"APP", "app", "APP",
           "A C++ source (.cpp), a module (.so), or a built-in app: echo, push, chat or danmaku (default echo)"});
      app_.add_flag("-d,--daemon", daemon_, "Run in the background; comes back when every worker serves");
      add_switch("--page", "page", "true", "A built-in app shows its page at / (the default)");
      add_switch("--no-page", "page", "false", "It does not");
      add_switch("--deflate", "deflate", "true", "Compress messages with clients that offer it (permessage-deflate)");
      add_switch("--no-deflate", "deflate", "false", "Do not (the default)");
      add_switch("--deflate-server-takeover", "deflate_server_takeover", "true",
                 "Our messages refer to earlier ones: smaller, for 256 KiB and more per client");
      add_switch("--no-deflate-server-takeover", "deflate_server_takeover", "false", "They do not (the default)");
      add_switch("--deflate-client-takeover", "deflate_client_takeover", "true",
                 "So may the client's: for 40 KiB per client");
      add_switch("--no-deflate-client-takeover", "deflate_client_takeover", "false", "They may not (the default)");
    }
    if (entry_.takes_options || entry_.command == Command::stop) {
      app_.add_flag("-g,--graceful", result_.graceful, "Give clients --drain-timeout to leave");
    }
    const bool tells_json = entry_.command == Command::status || entry_.command == Command::reload ||
                            entry_.command == Command::upgrade || entry_.command == Command::publish;
    if (entry_.command == Command::publish) {
      app_.add_option("CHANNEL", result_.channel, "Its name")->required()->type_name("");
      app_.add_option("DATA", result_.data, "The message; - reads it from standard input")->required()->type_name("");
      app_.add_flag("--binary", result_.binary, "As a binary message; otherwise it is text, in UTF-8");
    }
    if (tells_json) app_.add_flag("--json", result_.json, "One JSON object");
    if (entry_.takes_options) std::ranges::for_each(start_options, [this](const OptionEntry& option) { add(option); });
    if (entry_.command == Command::version) return;
    std::ranges::for_each(instance_options, [this](const OptionEntry& option) { add(option); });
  }

  void add(const OptionEntry& option) {
    const std::string key = option.key;
    const std::function<void(const std::string&)> take_it = [this, key](const std::string& text) { take(key, text); };
    app_.add_option_function(option.flag, take_it, option.description)
        ->trigger_on_parse()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->type_name(option.flag == std::string_view("APP") ? "" : option.value_name);
  }

  void add_switch(const char* flag, const char* key, const char* value, const char* description) {
    app_.add_flag_callback(
            flag, [this, key, value] { take(key, value); }, description)
        ->trigger_on_parse();
  }

  void take(const std::string& key, std::string text) {
    // A daemon works in /, and a reload reaches a master that was started elsewhere.
    const bool is_path = key == "run_dir" || key == "log_file" || key == "stdout_file" || key == "api_token_file" ||
                         key == "tls_cert" || key == "tls_key" || key == "tls_client_ca" ||
                         (key == "app" && app_kind(text) != AppKind::builtin);
    if (is_path && !text.empty()) text = absolute(text);
    const bool is_unix_socket = (key == "listen" || key == "api") && text.starts_with(unix_prefix);
    if (is_unix_socket && text != unix_prefix)
      text = std::string(unix_prefix) + absolute(text.substr(unix_prefix.size()));
    if (const auto problem = result_.options.set_text(key, text)) fail(*problem);
  }

  // CLI11 would take the next argument for the value of `--count=`.
  void refuse_empty_values(const std::vector<std::string>& arguments) const {
    for (const std::string& argument : arguments) {
      if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
        fail(fmt::format("'{}' lacks its value; see `wsd {} --help`", worker::printable(argument), entry_.name));
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
                       worker::printable(leftovers.front()), entry_.name, entry_.name));
    }
  }

  [[noreturn]] void refuse_unknown_option(const std::string& option) {
    std::vector<std::string> names;
    for (const CLI::Option* known : app_.get_options()) {
      for (const std::string& name : known->get_lnames()) names.push_back("--" + name);
      for (const std::string& name : known->get_snames()) names.push_back("-" + name);
    }
    fail(fmt::format("unknown option '{}': the nearest is '{}', and `wsd {} --help` lists all",
                     worker::printable(option), nearest_word(option, names), entry_.name));
  }

  const CommandEntry& entry_;
  CLI::App app_;
  CommandLine result_;
  bool daemon_ = false;
};

}  // namespace

std::variant<CommandLine, Help> parse_command_line(std::span<const char* const> arguments) {
  if (arguments.empty()) return Help{std::string(general_help)};
  const std::string_view first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") return Help{std::string(general_help)};
  const CommandEntry& entry = find_command(first == "--version" ? "version" : first);
  return Parser(entry).parse(std::vector<std::string>(arguments.begin() + 1, arguments.end()));
}

}  // namespace wsd::master
