#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace wsd::load {

// What one run of the load client is to do.
struct Options {
  std::string host;
  std::uint16_t port = 0;
  bool is_secure = false;  // wss
  std::string path;
  std::size_t connections = 50;
  std::size_t pipeline = 1;       // messages in flight on each connection
  std::string prefix = "hello ";  // what the server puts before each answer
  std::chrono::duration<double> duration{5};
  bool waits_for_go = false;
  double rate = 0;        // messages a second on all connections together; 0: five on each
  bool is_plain = false;  // whole small messages at a steady pace, and nothing else
};

// Reads the command line. Nothing, after a line on standard error, when it cannot be understood.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv);

}  // namespace wsd::load
