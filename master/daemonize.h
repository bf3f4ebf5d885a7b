// `start -d` that tells the truth: the shell's prompt comes back when the daemon serves, or with the reason why not.

#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "master/exit_status.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

// The daemon's end of the pipe to the command that waits. Reports once; later reports do nothing.
class StartReport {
 public:
  StartReport() = default;  // nobody waits (foreground): reports do nothing
  explicit StartReport(worker::FileDescriptor pipe) : pipe_(std::move(pipe)) {}

  // The command that waits returns at once.
  void success();
  // The command that waits returns when this process has ended, so that what it says of the failure is the whole truth:
  // nothing of this start is left, and the next one finds its way free. The pipe's end is the kernel's to close.
  void failure(CommandStatus status, std::string_view reason);
  // In a forked child, so that the pipe closes when the master dies.
  void close_in_child() { pipe_.reset(); }

 private:
  void send(CommandStatus status, std::string_view reason);
  worker::FileDescriptor pipe_;
};

// What the waiting command is to do: print `reason` if there is one, exit with `status`.
struct StartOutcome {
  CommandStatus status;
  std::string reason;
};

// Forks twice. Returns twice: a StartReport in the daemon (its own session, working directory /, standard input from
// /dev/null, standard output on `stdout_fd`, standard error on `stderr_fd`), and, once the daemon has reported or died,
// a StartOutcome in the caller. `log_name` is where the outcome of a silent death sends the reader. Call before locks
// are taken and threads exist. Throws CommandError(failed) in the caller if it cannot fork.
[[nodiscard]] std::variant<StartReport, StartOutcome> daemonize(int stdout_fd, int stderr_fd,
                                                                std::string_view log_name);

}  // namespace wsd::master
