// A running process, held by a pidfd: what is signalled or waited for is that process and never another that got its
// number later. For processes that are not our children.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "worker/file_descriptor.h"

namespace wsd::master {

class ProcessHandle {
 public:
  // Nothing if there is no such process. Throws CommandError(failed) where processes cannot be held.
  [[nodiscard]] static std::optional<ProcessHandle> open(pid_t pid);

  // 0, or the errno: ESRCH when it is gone, EPERM when it belongs to another user.
  [[nodiscard]] int signal(int number) const;
  // Whether it ended before the deadline.
  [[nodiscard]] bool wait_until_gone(std::chrono::steady_clock::time_point deadline) const;

 private:
  explicit ProcessHandle(worker::FileDescriptor fd) : fd_(std::move(fd)) {}

  worker::FileDescriptor fd_;
};

}  // namespace wsd::master
