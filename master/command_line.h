// `wsd COMMAND [APP] [options]`, read and checked. Prints nothing, opens nothing.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "master/options.h"
#include "worker/connection_filter.h"

namespace wsd::master {

enum class Command : std::uint8_t {
  start,
  stop,
  restart,
  reload,
  upgrade,
  reopen,
  status,
  connections,
  publish,
  check,
  version
};

struct CommandLine {
  Command command = Command::start;
  Options options;  // what was given; relative paths made absolute
  bool graceful = false;
  bool json = false;                                    // status, connections, reload, upgrade, publish
  std::optional<std::chrono::milliseconds> watch = {};  // status: how often
  std::string channel;                                  // publish
  std::string data;                                     // publish; "-": what standard input has
  bool binary = false;                                  // publish
  worker::ConnectionFilter filter = {};                 // connections
  std::string sort = "id";                              // connections: a column of connection_table.h
  std::size_t limit = 0;                                // connections; 0: all
};

// Text for standard output: `wsd`, `wsd --help`, `wsd start --help`.
struct Help {
  std::string text;
};

// What a command takes besides its name, as its help has it: for manual pages and shells.
struct ArgumentDescription {
  std::vector<std::string> flags;  // "-g", "--graceful"; a positional has none
  std::string value_name;          // "FILE", or what a positional is called; empty for a flag that is enough by itself
  bool value_is_optional = false;
  bool is_required = false;
  std::string description;           // as in the help, with its default
  std::vector<std::string> choices;  // where the value is one of a few words
};
struct CommandDescription {
  std::string_view name;
  std::string_view description;
  std::vector<ArgumentDescription> arguments;  // in the order of the help
};
[[nodiscard]] std::vector<CommandDescription> describe_commands();

// `arguments` without the program's name. Throws CommandError(usage).
[[nodiscard]] std::variant<CommandLine, Help> parse_command_line(std::span<const char* const> arguments);

}  // namespace wsd::master
