// How a wsd command ends: its exit status, and the exception that carries one to main together with the one line for
// standard error. (How a *worker* ends is worker/exit_code.h; how waitpid told it, supervisor.h.)

#pragma once

#include <stdexcept>
#include <string>

namespace wsd::master {

enum class CommandStatus : int {
  done = 0,
  failed = 1,  // start failed, reload refused, a process survived KILL
  usage = 2,   // command line or configuration
  not_running = 3,
  no_permission = 4,
  already_running = 5,
};

// Ends a command. what() is one sentence without "wsd: " and without a newline that says what is wrong and what to do.
class CommandError : public std::runtime_error {
 public:
  CommandError(CommandStatus status, const std::string& line) : std::runtime_error(line), status_(status) {}
  [[nodiscard]] CommandStatus status() const { return status_; }

 private:
  CommandStatus status_;
};

}  // namespace wsd::master
