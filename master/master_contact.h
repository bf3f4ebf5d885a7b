// The CLI's contact with a running master: found by the lock it holds, spoken to over its control socket.

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "master/control_client.h"
#include "master/control_protocol.h"
#include "master/instance_lock.h"
#include "master/process_handle.h"
#include "master/run_directory.h"

namespace wsd::master {

class MasterContact {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Nothing if no master runs. Throws CommandError where the lock cannot be read.
  [[nodiscard]] static std::optional<MasterContact> find(const Options& options);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] pid_t pid() const { return holder_.pid; }
  // "wsd (pid 12)"
  [[nodiscard]] std::string description() const;

  // Sends the request. False if nobody accepts it within two seconds. Throws CommandError(no_permission).
  [[nodiscard]] bool ask(const ControlRequest& request);
  // The next answer to what was asked; nothing when the master ends the conversation without a last one, or at the
  // deadline.
  [[nodiscard]] std::optional<ControlAnswer> next_answer(TimePoint deadline = TimePoint::max());

  // The descriptor that came with it, if one did.
  [[nodiscard]] worker::FileDescriptor take_descriptor() { return client_.take_descriptor(); }

  // Sends TERM or QUIT to the lock's holder. Throws CommandError(no_permission or failed).
  void signal(int number) const;
  // Until the lock has no holder any more.
  [[nodiscard]] bool wait_until_gone(TimePoint deadline) const;

  // Throws CommandError(no_permission), which names the pid and its owner.
  [[noreturn]] void refuse_permission() const;

 private:
  MasterContact(std::string name, const RunDirectory& directory, LockHolder holder,
                std::optional<ProcessHandle> process)
      : name_(std::move(name)),
        lock_file_(directory.lock_file()),
        control_socket_(directory.control_socket()),
        holder_(holder),
        process_(std::move(process)) {}
  [[nodiscard]] bool connect(TimePoint deadline);

  std::string name_;
  std::string lock_file_;
  std::string control_socket_;
  LockHolder holder_;
  std::optional<ProcessHandle> process_;  // none: it lives in another pid namespace
  ControlClient client_;
};

}  // namespace wsd::master
