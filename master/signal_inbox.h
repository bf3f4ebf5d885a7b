// Signals as queued events: INT, TERM, QUIT, HUP, USR1, USR2 and CHLD are blocked and read from a descriptor, so that
// no code runs in a handler. SIGPIPE is ignored. One per process, made in the master before its first fork.

#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>

#include "worker/file_descriptor.h"

namespace wsd::master {

class SignalInbox {
 public:
  struct Received {
    int signal;
    pid_t sender;  // 0: the kernel (a terminal's Ctrl-C)
  };

  SignalInbox();  // throws CommandError(failed)
  // After this process replaced its own binary: `original_mask` is what was blocked when it was first started.
  explicit SignalInbox(const sigset_t& original_mask);
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }  // readable when take() has something
  [[nodiscard]] std::optional<Received> take();       // CHLDs are merged: reap until there is none left

  [[nodiscard]] const sigset_t& original_mask() const { return original_mask_; }

  // In a forked child, after it has set its own dispositions: closes the descriptor and unblocks what was not blocked
  // when the program started. SIGPIPE stays ignored.
  void close_in_child();

 private:
  worker::FileDescriptor fd_;
  sigset_t original_mask_{};
};

}  // namespace wsd::master
