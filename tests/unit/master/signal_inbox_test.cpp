#include "master/signal_inbox.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <set>

#include "tests/unit/support/child_process.h"

namespace wsd::master {
namespace {

using testing_support::ChildProcess;

// A process's signals are its own affair: each test has one of its own.
bool holds_in_a_process(const std::function<bool()>& body) {
  ChildProcess child([&body](const auto& ready) {
    ready();
    return body() ? 0 : 1;
  });
  return child.wait() == 0;
}

TEST(SignalInbox, QueuesWhatWouldEndTheProcess) {
  EXPECT_TRUE(holds_in_a_process([] {
    SignalInbox inbox;
    const std::set<int> sent{SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
    for (const int signal : sent) ::kill(::getpid(), signal);
    std::set<int> taken;
    while (const auto received = inbox.take()) {
      if (received->sender != ::getpid()) return false;
      taken.insert(received->signal);
    }
    return taken == sent;
  }));
}

TEST(SignalInbox, IsReadableOnlyWhenThereIsSomething) {
  EXPECT_TRUE(holds_in_a_process([] {
    SignalInbox inbox;
    pollfd ready{inbox.fd(), POLLIN, 0};
    if (::poll(&ready, 1, 0) != 0 || inbox.take()) return false;
    ::kill(::getpid(), SIGTERM);
    return ::poll(&ready, 1, 0) == 1;
  }));
}

TEST(SignalInbox, TellsOfChildrenThoughTheStarterIgnoredThem) {
  EXPECT_TRUE(holds_in_a_process([] {
    ::signal(SIGCHLD, SIG_IGN);
    SignalInbox inbox;
    const pid_t worker = ::fork();
    if (worker == 0) ::_exit(7);
    pollfd ready{inbox.fd(), POLLIN, 0};
    int status = 0;
    return ::poll(&ready, 1, 20'000) == 1 && inbox.take()->signal == SIGCHLD &&
           ::waitpid(worker, &status, 0) == worker && WEXITSTATUS(status) == 7;
  }));
}

TEST(SignalInbox, SurvivesAClosedPipe) {
  EXPECT_TRUE(holds_in_a_process([] {
    SignalInbox inbox;
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return false;
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) == -1;
  }));
}

TEST(SignalInbox, GivesAChildItsSignalsBack) {
  EXPECT_TRUE(holds_in_a_process([] {
    SignalInbox inbox;
    const pid_t worker = ::fork();
    if (worker == 0) {
      ::signal(SIGTERM, SIG_DFL);
      inbox.close_in_child();
      ::raise(SIGTERM);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(worker, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
  }));
}

}  // namespace
}  // namespace wsd::master
