#include "tests/wsbench/disturbance.h"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <utility>

namespace wsd::bench {

namespace {

constexpr int look_every_ms = 50;  // whether to give up
constexpr int cannot_run = 127;

std::optional<pid_t> spawn_shell(const std::string& command) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
  // This tool ignores SIGPIPE and catches others; the command is not to know.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const char* const arguments[] = {"sh", "-c", command.c_str(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, const_cast<char* const*>(arguments), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? std::optional(pid) : std::nullopt;
}

}  // namespace

Disturbance::Disturbance(std::string command, std::vector<Time> times, Counter& since)
    : command_(std::move(command)),
      times_(std::move(times)),
      since_(since),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Disturbance::~Disturbance() {
  stop();
  gives_up_ = true;
}

const std::vector<Disturbance::Execution>& Disturbance::finish() {
  stop();
  gives_up_ = true;
  if (thread_.joinable()) thread_.join();
  return executions_;
}

void Disturbance::work(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  for (const Time time : times_) {
    std::unique_lock lock(mutex);
    stopped.wait_until(lock, stop, time, [] { return false; });
    is_running_ = true;  // before the look: whoever stops us sees the one or is seen
    if (!stop.stop_requested()) run_command();
    is_running_ = false;
    if (stop.stop_requested()) return;
  }
}

void Disturbance::run_command() {
  const Time start = Clock::now();
  if (executions_.empty()) since_.set(static_cast<std::uint64_t>(start.time_since_epoch().count()));
  const auto pid = spawn_shell(command_);
  const std::optional<int> status = pid ? await_end(*pid) : std::optional(cannot_run);
  executions_.push_back({start, Clock::now() - start, status.value_or(0), status.has_value()});
}

std::optional<int> Disturbance::await_end(pid_t pid) const {
  const auto descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd end{descriptor, POLLIN, 0};
  while (descriptor >= 0 && !gives_up_ && ::poll(&end, 1, look_every_ms) <= 0) {
  }
  if (descriptor >= 0) ::close(descriptor);
  int status = 0;
  const pid_t ended = ::waitpid(pid, &status, gives_up_ ? WNOHANG : 0);
  if (ended != pid) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<Time> disturbance_times(Time start, Clock::duration duration, Clock::duration every) {
  if (every == Clock::duration::zero()) return {start + duration / 2};
  std::vector<Time> times;
  for (Clock::duration at = every; at < duration; at += every) times.push_back(start + at);
  return times;
}

}  // namespace wsd::bench
