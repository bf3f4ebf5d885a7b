#include "master/daemonize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/file_descriptor.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_reason = 2000;  // with its status it fits into a pipe's atomic write

[[noreturn]] void fail(const char* operation) {
  throw CommandError(CommandStatus::failed, fmt::format("cannot {}: {}", operation, std::strerror(errno)));
}

// The first byte is the status, the rest the reason.
StartOutcome read_outcome(int pipe, std::string_view log_name) {
  std::string report;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t size = ::read(pipe, buffer.data(), buffer.size());
    if (size > 0) report.append(buffer.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EINTR)) break;
  }
  if (report.empty()) return {CommandStatus::failed, fmt::format("the master died while starting, see {}", log_name)};
  return {static_cast<CommandStatus>(report.front()), report.substr(1)};
}

void wait_for(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// A copy that no dup2() to a standard stream can hit.
worker::FileDescriptor copy_above_standard(int fd) {
  return worker::FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

void redirect_standard_streams(int stdout_fd, int stderr_fd) {
  worker::FileDescriptor opened(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const worker::FileDescriptor input = copy_above_standard(opened.get());
  opened.reset();
  const worker::FileDescriptor output = copy_above_standard(stdout_fd);
  const worker::FileDescriptor error_output = copy_above_standard(stderr_fd);
  ::dup2(input.get(), STDIN_FILENO);
  ::dup2(output.get(), STDOUT_FILENO);
  ::dup2(error_output.get(), STDERR_FILENO);
}

// In the middle process: leads a session, so that its child is in one, without being its leader, who alone could
// get a controlling terminal.
void leave_terminal_behind() {
  ::setsid();
  const pid_t daemon = ::fork();
  if (daemon != 0) ::_exit(daemon < 0 ? 1 : 0);
}

}  // namespace

void StartReport::success() {
  send(CommandStatus::done, {});
  pipe_.reset();
}

void StartReport::failure(CommandStatus status, std::string_view reason) {
  send(status, reason);
  [[maybe_unused]] const int open_until_exit = pipe_.release();
}

void StartReport::send(CommandStatus status, std::string_view reason) {
  if (!pipe_) return;
  const std::string report = static_cast<char>(status) + std::string(reason.substr(0, max_reason));
  // Nobody may be reading any more (SIGPIPE is ignored by then): the daemon goes on.
  [[maybe_unused]] const ssize_t written = ::write(pipe_.get(), report.data(), report.size());
}

std::variant<StartReport, StartOutcome> daemonize(int stdout_fd, int stderr_fd, std::string_view log_name) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("make a pipe");
  worker::FileDescriptor read_end(ends[0]);
  worker::FileDescriptor write_end(ends[1]);

  const pid_t middle = ::fork();
  if (middle < 0) fail("fork");
  if (middle > 0) {
    write_end.reset();
    StartOutcome outcome = read_outcome(read_end.get(), log_name);
    wait_for(middle);
    return outcome;
  }
  leave_terminal_behind();
  read_end.reset();
  redirect_standard_streams(stdout_fd, stderr_fd);
  if (::chdir("/") != 0) ::_exit(1);
  return StartReport(std::move(write_end));
}

}  // namespace wsd::master
