#include "tests/wsbench/disturbance.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <utility>

namespace wsd::bench {

Disturbance::Disturbance(std::string command, std::vector<Time> times, Counter& since)
    : command_(std::move(command)),
      times_(std::move(times)),
      since_(since),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Disturbance::~Disturbance() = default;

const std::vector<Disturbance::Execution>& Disturbance::finish() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  return executions_;
}

void Disturbance::work(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  for (const Time time : times_) {
    std::unique_lock lock(mutex);
    stopped.wait_until(lock, stop, time, [] { return false; });
    if (stop.stop_requested()) return;
    const Time start = Clock::now();
    if (executions_.empty()) since_.set(static_cast<std::uint64_t>(start.time_since_epoch().count()));
    const int status = run_command();
    executions_.push_back({start, Clock::now() - start, status});
  }
}

int Disturbance::run_command() const {
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
  const char* const arguments[] = {"sh", "-c", command_.c_str(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, const_cast<char* const*>(arguments), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return 127;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<Time> disturbance_times(Time start, Clock::duration duration, Clock::duration every) {
  if (every == Clock::duration::zero()) return {start + duration / 2};
  std::vector<Time> times;
  for (Clock::duration at = every; at < duration; at += every) times.push_back(start + at);
  return times;
}

}  // namespace wsd::bench
