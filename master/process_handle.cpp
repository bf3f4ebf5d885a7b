#include "master/process_handle.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "master/exit_status.h"

namespace wsd::master {

// By number, since glibc has wrappers for the two calls only from 2.36 on.

std::optional<ProcessHandle> ProcessHandle::open(pid_t pid) {
  worker::FileDescriptor fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (fd) return ProcessHandle(std::move(fd));
  if (errno == ESRCH || errno == EINVAL) return std::nullopt;  // EINVAL: 0 is no pid
  throw CommandError(CommandStatus::failed, fmt::format("cannot watch process {}: {}", pid, std::strerror(errno)));
}

int ProcessHandle::signal(int number) const {
  return ::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) == 0 ? 0 : errno;
}

bool ProcessHandle::wait_until_gone(std::chrono::steady_clock::time_point deadline) const {
  constexpr std::int64_t longest_poll_ms = 60'000;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, longest_poll_ms))) > 0) return true;
    if (left <= 0) return false;
  }
}

}  // namespace wsd::master
