#include "master/master_contact.h"

#include <fmt/format.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds accept_timeout{2};     // for the master to take a request: it is never busy for long
constexpr milliseconds retry_pause{20};  // between two looks at something that cannot be polled

void pause() {
  ::poll(nullptr, 0, static_cast<int>(retry_pause.count()));
}

}  // namespace

std::optional<MasterContact> MasterContact::find(const Options& options) {
  const RunDirectory directory = RunDirectory::locate(options);
  while (true) {
    const auto holder = find_lock_holder(directory.lock_file());
    if (!holder) return std::nullopt;
    auto process = ProcessHandle::open(holder->pid);
    // It held the lock before and after the handle was made, so the handle is the holder's.
    const auto holder_now = find_lock_holder(directory.lock_file());
    if (!holder_now || holder_now->pid != holder->pid) continue;
    if (process || holder->pid == 0) return MasterContact(*options.name, directory, *holder, std::move(process));
  }
}

std::string MasterContact::description() const {
  return holder_.pid == 0 ? fmt::format("{} (in another pid namespace)", name_)
                          : fmt::format("{} (pid {})", name_, holder_.pid);
}

bool MasterContact::ask(const ControlRequest& request) {
  const TimePoint deadline = steady_clock::now() + accept_timeout;
  if (!connect(deadline)) return false;
  // A master that refuses may have answered and closed before it read a word: its answer still waits to be read.
  if (client_.send_line(to_json(request), deadline) == ControlClient::Outcome::timeout) return false;
  // What is not accepted is refused, and the refusal is the last answer: either way somebody is there.
  return client_.await_line(deadline) == ControlClient::Outcome::ok;
}

// A master that is just starting holds its lock before it has a control socket, so this tries again.
bool MasterContact::connect(TimePoint deadline) {
  while (true) {
    const ControlClient::Outcome outcome = client_.connect(control_socket_, deadline);
    if (outcome == ControlClient::Outcome::no_permission) refuse_permission();
    if (outcome == ControlClient::Outcome::ok && client_.server_pid() == holder_.pid) return true;
    if (steady_clock::now() >= deadline) return false;
    pause();
  }
}

std::optional<ControlAnswer> MasterContact::next_answer(TimePoint deadline) {
  std::string line;
  do {
    if (client_.read_line(line, deadline) != ControlClient::Outcome::ok) return std::nullopt;
  } while (line == accepted_answer);
  auto answer = control_answer_from_json(line);
  if (!answer) return std::nullopt;
  return std::move(*answer);
}

void MasterContact::signal(int number) const {
  if (!process_) {
    throw CommandError(
        CommandStatus::failed,
        fmt::format("{} does not answer and cannot be signalled from here; run this command beside it", description()));
  }
  const int error = process_->signal(number);
  if (error == EPERM) refuse_permission();
  if (error != 0 && error != ESRCH) {
    throw CommandError(CommandStatus::failed, fmt::format("cannot signal {}: {}", description(), std::strerror(error)));
  }
}

bool MasterContact::wait_until_gone(TimePoint deadline) const {
  if (process_) return process_->wait_until_gone(deadline);
  while (find_lock_holder(lock_file_)) {
    if (steady_clock::now() >= deadline) return false;
    pause();
  }
  return true;
}

void MasterContact::refuse_permission() const {
  const std::string owner = owner_of(holder_.pid);
  throw CommandError(CommandStatus::no_permission,
                     fmt::format("{} belongs to {}; run this command as {}", description(), owner, owner));
}

}  // namespace wsd::master
