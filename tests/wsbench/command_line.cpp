#include "tests/wsbench/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <vector>

#include "protocol/http_syntax.h"
#include "protocol/wrapped_text.h"
#include "tests/wsbench/figures.h"
#include "tests/wsbench/publication.h"

namespace wsd::bench {

namespace {

constexpr std::string_view description = "wsbench: how fast does a WebSocket server answer, and does it answer right?";
constexpr std::string_view footer =
    R"(N is a number: 1000, or 1k, 1M. TIME is a number of seconds, or 500ms, 30s, 2m,
1h. SIZE is 125, 1k, 64-4096 (each as likely), or 20:90,1k:9,64k:1 (in these
proportions).

Ends with 0 if everything was verified, with 1 if not, with 2 if the command
line cannot be understood. See wsbench(1).
)";
// Where --reload is given without a rate: a hundred a second on each connection, and this on all of them at most.
constexpr double highest_reload_rate = 10'000;
constexpr double highest_rate = 1e9;
constexpr std::size_t most_processes = 1024;
constexpr std::size_t most_connections = 100'000'000;

// Help for a terminal of 80 columns, 30 of which are the flags'.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return protocol::wrapped(option->get_description(), 50);
  }
};

// Fills in the options while CLI11 parses.
class Parser {
 public:
  Parser() : app_(std::string(description), "wsbench") {
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.set_help_flag("-h,--help", "This text");
    app_.set_version_flag("-v,--version", "wsbench " WSD_VERSION, "The version");
    app_.footer(std::string(footer));
    add_load();
    add_modes();
    add_fanout();
    add_reload();
    add_messages();
    add_network();
    add_report();
  }

  std::variant<Options, Help> parse(std::vector<std::string> arguments) try {
    split_empty_values(arguments);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app_.parse(std::move(arguments));
    finish();
    return std::move(options_);
  } catch (const CLI::CallForHelp&) {
    return Help{app_.help()};
  } catch (const CLI::CallForVersion& version) {
    return Help{std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}; see wsbench --help", error.what()));
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }

 private:
  // CLI11 takes the next word for the value of "--prefix=". An empty word of its own it takes for what it is.
  void split_empty_values(std::vector<std::string>& arguments) const {
    for (auto word = arguments.begin(); word != arguments.end() && *word != "--"; ++word) {
      if (!word->starts_with("--") || !word->ends_with('=')) continue;
      const CLI::Option* const option = app_.get_option_no_throw(word->substr(0, word->size() - 1));
      if (option == nullptr || option->get_items_expected_min() == 0) continue;
      word->pop_back();
      word = arguments.insert(word + 1, "");
    }
  }

  // An option whose text `read` understands, or not.
  CLI::Option* add(const char* flags, const char* value_name, const char* help,
                   std::function<bool(const std::string&)> read, const char* wanted) {
    const std::function<void(const std::string&)> take = [flags, wanted,
                                                          read = std::move(read)](const std::string& text) {
      if (!read(text)) throw UsageError(fmt::format("{} takes {}, not '{}'", flags, wanted, text));
    };
    return app_.add_option_function(flags, take, help)
        ->type_name(value_name)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  void add_count(const char* flags, const char* help, std::size_t& into, std::size_t most) {
    add(
        flags, "N", help,
        [&into, most](const std::string& text) {
          const auto count = count_from(text);
          into = count.value_or(0);
          return into >= 1 && into <= most;
        },
        "a number from 1 on, such as 100 or 10k");
  }

  void add_rate(const char* flags, const char* help, double& into) {
    add(
        flags, "N", help,
        [&into](const std::string& text) {
          into = rate_from(text).value_or(0);
          return into > 0 && into <= highest_rate;
        },
        "a number above 0, such as 500 or 10k");
  }

  bool take_rate(const std::string& text) {
    const auto rate = [](const std::string& number) {
      const double value = rate_from(number).value_or(0);
      return value <= highest_rate ? value : 0;
    };
    const std::size_t dash = text.find('-');
    options_.rate = rate(text.substr(0, dash));
    options_.final_rate = dash == std::string::npos ? 0 : rate(text.substr(dash + 1));
    return options_.rate > 0 && (dash == std::string::npos || options_.final_rate > options_.rate);
  }

  void add_time(const char* flags, const char* help, Seconds& into, Seconds least) {
    add(
        flags, "TIME", help,
        [&into, least](const std::string& text) {
          const auto time = duration_from(text);
          into = time.value_or(Seconds(-1));
          return into >= least;
        },
        "a time, such as 30s, 500ms or 2m");
  }

  void add_load() {
    app_.option_defaults()->group("Load");
    app_.add_option("URL", url_, "ws://HOST[:PORT][/PATH], or wss://")->required()->type_name("");
    add_count("-c,--connections", "Connections to hold (10)", options_.connections, most_connections);
    add_count("-t,--threads", "Processes that share them (2): one for each core that the server leaves",
              options_.processes, most_processes);
    add_time("-d,--duration", "How long to measure (10s)", options_.duration, Seconds(0.001));
    add_time("--warmup", "Load before that (500ms)", options_.warmup, Seconds(0));
    add(
        "-R,--rate", "N",
        "Messages a second, on all connections together, due at a steady pace whatever the server does; latency "
        "counts from when a message was due. 1k-20k grows from the one to the other, in ten steps, and shows where "
        "the server does not follow. Without it: as many as are answered",
        [this](const std::string& text) { return take_rate(text); },
        "a number above 0, such as 500 or 10k, or two with a dash between them, the smaller one first");
    add_count("--pipeline", "Messages in flight on each connection (1)", options_.pipeline, 1'000'000);
    add_time("--timeout", "An answer that takes longer is an error (2s)", options_.timeout, Seconds(0.001));
  }

  void add_reload() {
    app_.add_option("--reload", options_.reload_command,
                    "Run this by sh in the middle of the load, and tell what it closed, lost, doubled and delayed")
        ->type_name("COMMAND")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    add_time("--reload-every", "Run it again and again, this long from one to the next", options_.reload_every,
             Seconds(0.001));
  }

  void add_modes() {
    app_.option_defaults()->group("Modes");
    const auto add_mode = [this](const char* flag, ModeName mode, const char* help) {
      const auto choose = [this, flag, mode] {
        if (!mode_flag_.empty())
          throw UsageError(fmt::format("{} and {} are two ways to use connections: choose one", mode_flag_, flag));
        mode_flag_ = flag;
        options_.mode = mode;
      };
      app_.add_flag_callback(flag, choose, help);
    };
    add_mode("--connect", ModeName::connect,
             "Opening handshakes: connect, handshake, close, over and over, so many at the same time as there are "
             "connections; with --rate so many a second");
    add_mode("--churn", ModeName::churn, "The same with one echo before closing, and the whole of it counts");
    add(
        "--stay", "PERCENT", "With --connect and --churn: so many of the connections stay while the others come and go",
        [this](const std::string& text) {
          const auto percent = count_from(text.ends_with('%') ? text.substr(0, text.size() - 1) : text);
          options_.stay = static_cast<double>(percent.value_or(100)) / 100;
          return options_.stay < 1;
        },
        "a number from 0 to 99");
    add_mode("--idle", ModeName::idle, "Only hold the connections; with --pid, the server's memory for each");
    add_mode("--fanout", ModeName::fanout,
             "The connections subscribe to the channel that the server makes of the path; publishers publish to it, "
             "with --pipeline publications that not everybody has got, or --rate a second together");
    app_.add_flag("--greet", options_.greets, "With --idle: have one message answered on each connection first");
  }

  void add_fanout() {
    add_count("--publishers", "With --fanout: connections more, that publish (1)", options_.publishers, max_publishers);
    add(
        "--stalled", "N", "With --fanout: connections more, that subscribe and do not read (0)",
        [this](const std::string& text) {
          const auto count = count_from(text);
          options_.stalled = count.value_or(0);
          return count.has_value();
        },
        "a number, such as 10");
  }

  void add_messages() {
    app_.option_defaults()->group("Messages");
    add(
        "-s,--size", "SIZE", "Bytes of a message (20)",
        [this](const std::string& text) {
          options_.sizes = SizeDistribution::parse(text);
          return true;
        },
        "a size");
    app_.add_flag_callback(
        "--text", [this] { options_.is_binary = false; }, "Messages are text (the default)");
    app_.add_flag_callback(
        "--binary", [this] { options_.is_binary = true; }, "Messages are binary");
    app_.add_option("--prefix", options_.prefix, "What the server puts before each answer (nothing)")
        ->type_name("TEXT")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app_.add_flag_callback(
        "--deflate", [this] { options_.deflate = protocol::ContextTakeover::no; },
        "Compress messages (permessage-deflate), each by itself; a server that does not agree fails");
    app_.add_flag_callback(
        "--deflate-takeover", [this] { options_.deflate = protocol::ContextTakeover::yes; },
        "The same, and messages may refer to those before: a compressor for each connection");
    app_.add_option("--subprotocol", options_.subprotocols,
                    "Offer it; a server that chooses none of those offered fails (repeatable)")
        ->type_name("NAME")
        ->expected(1)
        ->take_all();
    const std::function<void(const std::vector<std::string>&)> take_headers =
        [this](const std::vector<std::string>& headers) {
          for (const std::string& header : headers) check_header(header);
          options_.headers = headers;
        };
    app_.add_option_function("-H,--header", take_headers, "'Name: value' of the opening handshake (repeatable)")
        ->type_name("HEADER")
        ->expected(1)
        ->take_all();
  }

  void add_network() {
    app_.option_defaults()->group("Network");
    app_.add_option("--cacert", options_.ca_file, "With wss: believe who is certified by one of these (PEM)")
        ->type_name("FILE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->check(CLI::Validator(CLI::ExistingFile).description(""));
    app_.add_flag("--insecure", options_.is_insecure, "With wss: believe anybody");
    add(
        "--source", "ADDRESS",
        "Connect from here: addresses with commas between them, or a range of IPv4, 127.0.0.2-127.0.0.9. "
        "Each has ports for 28,000 connections. To a loopback it goes by itself",
        [this](const std::string& text) {
          options_.sources = parse_sources(text);
          return !options_.sources.empty();
        },
        "addresses");
    add_rate("--ramp", "Open so many connections a second at most", options_.ramp);
    add_count("--at-once", "Opening handshakes under way at the same time (256)", options_.at_once, most_connections);
    const std::function<void(const std::vector<std::string>&)> take_pids = [this](const auto& texts) {
      options_.server_pids.clear();
      for (const std::string& text : texts) options_.server_pids.push_back(pid_from(text));
    };
    app_.add_option_function("--pid", take_pids,
                             "A process of the server, such as its master: what it and those that it starts use for "
                             "each message (repeatable)")
        ->type_name("PID")
        ->expected(1)
        ->take_all();
  }

  void add_report() {
    app_.option_defaults()->group("Report");
    app_.add_flag("--latency", options_.shows_distribution, "Percentiles of the latency too");
    app_.add_flag("--json", options_.is_json, "One JSON object instead of the report");
    app_.add_flag(
        "--go", options_.waits_for_go,
        "For scripts: print \"ready\" to standard error and wait for a line before the load, and again before closing");
  }

  static pid_t pid_from(const std::string& text) {
    pid_t pid = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), pid);
    const bool is_whole = problem == std::errc() && end == text.data() + text.size();
    if (!is_whole || pid <= 0) throw UsageError(fmt::format("--pid takes the number of a process, not '{}'", text));
    return pid;
  }

  static void check_header(const std::string& header) {
    const std::string_view text(header);
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || !protocol::is_token(text.substr(0, colon)) ||
        !protocol::is_field_value(text.substr(colon + 1))) {
      throw UsageError(fmt::format("-H takes 'Name: value', not '{}'", header));
    }
  }

  void finish() {
    options_.url = Url::parse(url_);
    for (const std::string& name : options_.subprotocols) {
      if (!protocol::is_token(name)) throw UsageError(fmt::format("--subprotocol takes a name, not '{}'", name));
    }
    if (!options_.url.is_secure && (options_.is_insecure || !options_.ca_file.empty())) {
      throw UsageError("--cacert and --insecure are for wss:// URLs");
    }
    options_.processes = std::min(options_.processes, options_.connections);
    finish_modes();
    finish_reload();
    finish_fanout();
    options_.address = NetworkAddress::resolve(options_.url.host, options_.url.port);
    if (options_.sources.empty() && options_.address.is_loopback_v4() &&
        options_.all_connections() > connections_per_source) {
      options_.sources = loopback_sources(options_.all_connections());
    }
    if (!options_.sources.empty() && options_.sources.front().family() != options_.address.family()) {
      throw UsageError("--source and the target are not of one kind: both IPv4, or both IPv6");
    }
  }

  void finish_modes() const {
    if (options_.greets && options_.mode != ModeName::idle) throw UsageError("--greet is for --idle");
    const bool cycles = options_.mode == ModeName::connect || options_.mode == ModeName::churn;
    if (options_.stay > 0 && !cycles) throw UsageError("--stay is for --connect and --churn");
    if (options_.ramp > 0 && cycles && options_.stay == 0) {
      throw UsageError(
          fmt::format("--ramp is for connections that are held: with {}, let --rate grow (1k-20k)", mode_flag_));
    }
    if (options_.grows() && options_.mode == ModeName::fanout) throw UsageError("with --fanout --rate is one number");
    if (options_.pipeline > 1 && options_.mode != ModeName::echo && options_.mode != ModeName::fanout)
      throw UsageError(fmt::format("--pipeline is not for {}", mode_flag_));
    if (options_.rate > 0 && options_.mode == ModeName::idle)
      throw UsageError("--idle sends nothing: leave out --rate");
  }

  void finish_reload() {
    if (options_.reload_command.empty()) {
      if (options_.reload_every > Seconds(0)) throw UsageError("--reload-every is for --reload");
      return;
    }
    if (options_.reload_every >= options_.duration) throw UsageError("--reload-every is to be shorter than -d");
    if (options_.rate == 0 && options_.mode == ModeName::echo) {
      options_.rate = std::min(100 * static_cast<double>(options_.connections), highest_reload_rate);
    }
  }

  void finish_fanout() {
    if (options_.mode != ModeName::fanout) {
      if (app_.count("--publishers") + app_.count("--stalled") > 0) {
        throw UsageError("--publishers and --stalled are for --fanout");
      }
      return;
    }
    if (app_.count("--size") == 0) options_.sizes = SizeDistribution::parse("125");
    if (options_.sizes.smallest() < smallest_publication) {
      throw UsageError(fmt::format("with --fanout messages have {} bytes or more", smallest_publication));
    }
  }

  CLI::App app_;
  std::string url_;
  std::string mode_flag_;  // that was given
  Options options_;
};

}  // namespace

std::variant<Options, Help> parse_command_line(std::span<const char* const> arguments) {
  return Parser().parse({arguments.begin(), arguments.end()});
}

}  // namespace wsd::bench
