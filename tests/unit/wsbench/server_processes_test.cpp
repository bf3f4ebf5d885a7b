#include "tests/wsbench/server_processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "tests/unit/support/child_process.h"

namespace wsd::bench {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing_support::ChildProcess;

void work_for(Seconds time) {
  const std::clock_t end = std::clock() + static_cast<std::clock_t>(time.count() * CLOCKS_PER_SEC);
  while (std::clock() < end) {
  }
}

// At every signal a worker that uses some CPU time, until which is over the signal is not over either.
int live_as_master(const std::function<void()>& ready) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGUSR1);
  ::sigaddset(&wanted, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  ready();
  for (int number = 0; ::sigwait(&wanted, &number) == 0;) {
    const pid_t worker = ::fork();
    if (worker == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      work_for(Seconds(0.05));
      if (number == SIGUSR1) ::pause();
      ::_exit(0);
    }
  }
  return 0;
}

std::size_t wait_for_children(pid_t pid, std::size_t count) {
  const Time end = Clock::now() + std::chrono::seconds(10);
  while (families_of({pid}).size() != 1 + count && Clock::now() < end) ::usleep(1000);
  return families_of({pid}).size() - 1;
}

// Looks until so much has been used, or ten seconds are over.
Seconds look_for(ServerProcesses& server, Seconds wanted) {
  const Time end = Clock::now() + std::chrono::seconds(10);
  while (server.cpu_time().total < wanted && Clock::now() < end) server.look();
  return server.cpu_time().total;
}

TEST(ServerProcessesTest, CountsThoseThatAMasterStartsMeanwhile) {
  const ChildProcess master(live_as_master);
  ServerProcesses server({master.pid()});
  server.begin();
  EXPECT_EQ(server.cpu_time().total, Seconds(0));
  ::kill(master.pid(), SIGUSR1);
  ASSERT_EQ(wait_for_children(master.pid(), 1), 1U);
  EXPECT_GE(look_for(server, Seconds(0.05)), Seconds(0.05));
  EXPECT_EQ(server.busy(Seconds(1)), 1U);
  EXPECT_EQ(server.problem(), std::nullopt);
  EXPECT_GT(server.memory().resident, 0U);
}

TEST(ServerProcessesTest, KeepsWhatThoseHaveUsedThatEnd) {
  const ChildProcess master(live_as_master);
  ServerProcesses server({master.pid()});
  server.begin();
  ::kill(master.pid(), SIGUSR2);
  const Seconds seen = look_for(server, Seconds(0.04));
  EXPECT_GE(seen, Seconds(0.04));
  ::kill(master.pid(), SIGUSR1);  // another one, so that the first has ended for sure
  EXPECT_GE(look_for(server, seen + Seconds(0.05)), seen + Seconds(0.05));
  EXPECT_EQ(server.problem(), std::nullopt);
}

TEST(ServerProcessesTest, CountsNothingFromBeforeItsBeginning) {
  const ChildProcess master(live_as_master);
  ::kill(master.pid(), SIGUSR1);
  ServerProcesses server({master.pid()});
  ASSERT_EQ(wait_for_children(master.pid(), 1), 1U);
  look_for(server, Seconds(0.05));
  server.begin();
  server.look();
  EXPECT_LT(server.cpu_time().total, Seconds(0.02));
}

TEST(ServerProcessesTest, SaysWhoIsNotThere) {
  ChildProcess gone([](const auto& ready) {
    ready();
    return 0;
  });
  const pid_t pid = gone.pid();
  gone.wait();
  ServerProcesses server({::getppid(), pid});
  server.begin();
  server.look();
  ASSERT_TRUE(server.problem());
  EXPECT_THAT(*server.problem(), HasSubstr("--pid " + std::to_string(pid) + ":"));
}

TEST(ServerProcessesTest, NamesEachOnceAndNotItself) {
  const ChildProcess child(live_as_master);
  EXPECT_EQ(families_of({child.pid(), child.pid()}).size(), 1U);
  const auto with_the_runner = families_of({::getppid()});
  EXPECT_THAT(with_the_runner, Contains(::getppid()));
  EXPECT_THAT(with_the_runner, testing::Not(Contains(::getpid())));
  EXPECT_THAT(with_the_runner, testing::Not(Contains(child.pid())));
}

}  // namespace
}  // namespace wsd::bench
