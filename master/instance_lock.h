// NAME.lock: an fcntl record lock that says "this instance is running" and, through F_GETLK, which process its master
// is. The kernel frees it when the master ends, however it ends; the file is never removed. Forked children do not hold
// it.
//
// Two traps of fcntl locks shape the use: the lock does not cross fork, so the final (daemonized) process takes it; and
// it is gone as soon as its holder closes *any* descriptor of the file, so the master never calls find_lock_holder() on
// its own.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "worker/file_descriptor.h"

namespace wsd::master {

class InstanceLock {
 public:
  // Throws CommandError: already_running with the holder's pid, no_permission, failed.
  InstanceLock(const std::string& path, const std::string& name);
  // The lock that this process held before it replaced its own binary.
  explicit InstanceLock(worker::FileDescriptor held) : fd_(std::move(held)) {}

  [[nodiscard]] int descriptor() const { return fd_.get(); }

  // In a forked child: closes the descriptor. (The child's close does not free the master's lock.)
  void close_in_child() { fd_.reset(); }

 private:
  worker::FileDescriptor fd_;
};

struct LockHolder {
  pid_t pid;  // 0: it lives in another pid namespace, where we can neither see nor signal it
};

// Who holds the lock: nothing if nobody does or there is no such file. Throws CommandError(no_permission or failed)
// where the file cannot be read.
[[nodiscard]] std::optional<LockHolder> find_lock_holder(const std::string& path);

// "root", or the number where the user has no name.
[[nodiscard]] std::string name_of_user(uid_t user);
// Of the user whom a process belongs to; "unknown" if it is gone.
[[nodiscard]] std::string owner_of(pid_t pid);

}  // namespace wsd::master
