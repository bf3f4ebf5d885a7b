#include "master/signal_inbox.h"

#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

sigset_t queued_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

SignalInbox::SignalInbox() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have ignored it: then there would be nothing to reap
  const sigset_t set = queued_signals();
  ::sigprocmask(SIG_BLOCK, &set, &original_mask_);
  fd_ = worker::FileDescriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw CommandError(CommandStatus::failed, fmt::format("cannot read signals: {}", std::strerror(errno)));
}

SignalInbox::SignalInbox(const sigset_t& original_mask) : SignalInbox() {
  original_mask_ = original_mask;
}

std::optional<SignalInbox::Received> SignalInbox::take() {
  signalfd_siginfo info{};
  ssize_t size = 0;
  do {
    size = ::read(fd_.get(), &info, sizeof(info));
  } while (size < 0 && errno == EINTR);
  if (size != static_cast<ssize_t>(sizeof(info))) return std::nullopt;
  return Received{static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid)};
}

void SignalInbox::close_in_child() {
  fd_.reset();
  ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

}  // namespace wsd::master
