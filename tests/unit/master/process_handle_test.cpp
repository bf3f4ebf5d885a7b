#include "master/process_handle.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/support/child_process.h"

namespace wsd::master {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing_support::ChildProcess;

ChildProcess sleeper() {
  return ChildProcess([](const auto& ready) {
    ready();
    ::pause();
    return 0;
  });
}

TEST(ProcessHandle, SignalsAndWaitsForTheEnd) {
  const ChildProcess child = sleeper();
  const auto handle = ProcessHandle::open(child.pid());
  ASSERT_TRUE(handle);
  EXPECT_FALSE(handle->wait_until_gone(steady_clock::now() + milliseconds(5)));
  EXPECT_EQ(handle->signal(SIGTERM), 0);
  EXPECT_TRUE(handle->wait_until_gone(steady_clock::now() + seconds(20)));
}

TEST(ProcessHandle, CannotHitAnybodyElseAfterwards) {
  ChildProcess child = sleeper();
  const auto handle = ProcessHandle::open(child.pid());
  ASSERT_TRUE(handle);
  EXPECT_EQ(handle->signal(SIGKILL), 0);
  child.wait();
  EXPECT_EQ(handle->signal(SIGKILL), ESRCH);
}

TEST(ProcessHandle, IsNothingWhereThereIsNoProcess) {
  ChildProcess child = sleeper();
  const pid_t pid = child.pid();
  ::kill(pid, SIGKILL);
  child.wait();
  EXPECT_FALSE(ProcessHandle::open(pid));
  EXPECT_FALSE(ProcessHandle::open(0));
}

}  // namespace
}  // namespace wsd::master
