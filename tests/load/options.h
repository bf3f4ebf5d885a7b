#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wsd::load {

enum class Mode {
  exact,     // clients of all habits, and the proof that each message is answered once, in order, by ever newer code
  channels,  // subscribers and publishers of one channel, and the proof that each gets each message once, in order
};

// What one run of the load client is to do.
struct Options {
  Mode mode = Mode::exact;
  std::string host;
  std::uint16_t port = 0;
  bool is_secure = false;  // wss
  std::string path;
  std::size_t connections = 50;
  std::size_t pipeline = 1;  // messages in flight on each connection
  std::size_t size = 20;     // bytes of a message, without the prefix of its answer
  bool is_binary = false;
  std::string prefix = "hello ";  // what the server puts before each answer
  std::chrono::duration<double> duration{5};
  std::chrono::duration<double> warmup{0.5};  // before the measured window
  std::vector<pid_t> server_pids;
  bool waits_for_go = false;
  // With --exact: messages a second on all connections together; 0: five on each. With --channels: of each publisher;
  // 0: as fast as everybody gets them.
  double rate = 0;
  bool is_plain = false;       // with --exact: whole small messages at a steady pace, and nothing else
  std::size_t publishers = 1;  // with --channels, beside the connections, which are subscribers
  std::size_t stalled = 0;     // with --channels: subscribers more that do not read
};

// Reads the command line. Nothing, after a line on standard error, when it cannot be understood.
[[nodiscard]] std::optional<Options> parse_options(int argc, char** argv);

}  // namespace wsd::load
