// A source, or a module that another user reads, on its way to code, in a child of the master: the master forks it,
// goes on serving, and hears of its end by waitpid. The child and its compiler are one process group, so both can be
// ended.
//
// Owned by the master, one at a time.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "master/app_code.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

class AppBuild {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds timeout{60};
  static constexpr std::chrono::seconds kill_grace{2};  // between asking the compiler to end and KILL

  struct Outcome {
    std::optional<AppCode> code;
    std::vector<std::string> messages;  // what the compiler said, line by line, up to a limit
    std::string failure;                // one sentence, if there is no code
  };

  // Forks. `prepare_child` runs first thing in the child; but for standard streams and `log`, it inherits nothing.
  // Throws CommandError(failed).
  AppBuild(std::string source, const worker::Privileges& privileges, int log,
           const std::function<void()>& prepare_child, TimePoint now);
  AppBuild(const AppBuild&) = delete;
  AppBuild& operator=(const AppBuild&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] TimePoint next_deadline() const { return deadline_; }
  // To be called when the time may have come: asks an overdue compiler to end, then insists.
  void handle_time(TimePoint now);
  // Its work is not wanted any more.
  void cancel(TimePoint now);

  // Once waitpid has told its status. To be called once.
  [[nodiscard]] Outcome finish(int wait_status);

 private:
  void ask_to_end(TimePoint now);

  std::string source_;
  worker::FileDescriptor module_;
  worker::FileDescriptor messages_;
  TimePoint deadline_;
  bool asked_to_end_ = false;
  bool cancelled_ = false;
  pid_t pid_ = -1;
};

}  // namespace wsd::master
