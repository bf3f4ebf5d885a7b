// `wsd COMMAND [APP] [options]`, read and checked. Prints nothing, opens nothing.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

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

// `arguments` without the program's name. Throws CommandError(usage).
[[nodiscard]] std::variant<CommandLine, Help> parse_command_line(std::span<const char* const> arguments);

}  // namespace wsd::master
