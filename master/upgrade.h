// The master replaces its own binary: same pid, same descriptors, same workers (docs/reload.md).
//
// First a trial: a child runs the new binary on the very state it would get and lets it load the app. Only when that
// succeeds the master execs the new binary in place. A failure of either leaves everything as it was.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "master/master_state.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

// What the new binary is started as: `wsd __resume DESCRIPTOR [--trial]`. Not for users.
inline constexpr const char* resume_command_name = "__resume";

class UpgradeTrial {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds timeout{90};  // longer than a compile may take

  // Forks. `prepare_child` runs first thing in the child. Throws CommandError(failed).
  UpgradeTrial(const MasterState& state, const std::function<void()>& prepare_child, TimePoint now);

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] TimePoint next_deadline() const { return deadline_; }
  void handle_time(TimePoint now);
  // Its verdict is not wanted any more.
  void cancel();

  // Once waitpid has told its status: why it failed, or nothing.
  [[nodiscard]] std::string finish(int wait_status) const;

 private:
  worker::FileDescriptor output_;
  TimePoint deadline_;
  bool timed_out_ = false;
  pid_t pid_ = -1;
};

// Returns only if it could not be done, with the reason.
[[nodiscard]] std::string exec_in_place(const MasterState& state);

// ---- in the new binary

// The state behind this descriptor, its own descriptors close-on-exec again. Throws CommandError(failed).
[[nodiscard]] MasterState load_master_state(int descriptor);
// Whether this binary could go on with it: throws CommandError(failed) with the reason if not. Changes nothing.
void try_master_state(const MasterState& state);

}  // namespace wsd::master
