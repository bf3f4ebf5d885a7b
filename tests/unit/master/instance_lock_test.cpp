#include "master/instance_lock.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <optional>

#include "master/exit_status.h"
#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;
using testing_support::ChildProcess;
using testing_support::TemporaryDirectory;

class InstanceLockTest : public testing::Test {
 protected:
  // Takes the lock and sits on it until it is killed.
  ChildProcess holder() {
    return ChildProcess([this](const auto& ready) {
      InstanceLock lock(path, "wsd");
      ready();
      ::pause();
      return 0;
    });
  }

  std::optional<CommandStatus> failure() {
    try {
      InstanceLock lock(path, "wsd");
    } catch (const CommandError& error) {
      message = error.what();
      return error.status();
    }
    return std::nullopt;
  }

  TemporaryDirectory directory;
  std::string path = directory.file("wsd.lock");
  std::string message;
};

TEST_F(InstanceLockTest, HasNoHolderBeforeTheFileExists) {
  EXPECT_FALSE(find_lock_holder(path));
  EXPECT_FALSE(find_lock_holder(directory.file("missing/wsd.lock")));
}

TEST_F(InstanceLockTest, NamesItsHolder) {
  const ChildProcess child = holder();
  const auto found = find_lock_holder(path);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, child.pid());
}

TEST_F(InstanceLockTest, RefusesASecondMaster) {
  const ChildProcess child = holder();
  EXPECT_EQ(failure(), CommandStatus::already_running);
  EXPECT_THAT(message, HasSubstr("pid " + std::to_string(child.pid())));
}

TEST_F(InstanceLockTest, IsFreeWhenItsHolderIsKilled) {
  { const ChildProcess child = holder(); }
  EXPECT_FALSE(find_lock_holder(path));
  EXPECT_EQ(failure(), std::nullopt);
}

TEST_F(InstanceLockTest, StaysWithTheMasterWhenItsChildrenEnd) {
  const ChildProcess master([this](const auto& ready) {
    InstanceLock lock(path, "wsd");
    const pid_t worker = ::fork();
    if (worker == 0) {
      lock.close_in_child();
      ::_exit(0);
    }
    ::waitpid(worker, nullptr, 0);
    ready();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(find_lock_holder(path));
  EXPECT_EQ(find_lock_holder(path)->pid, master.pid());
}

TEST_F(InstanceLockTest, LeavesTheFileReadableForEverybody) {
  ASSERT_EQ(failure(), std::nullopt);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST_F(InstanceLockTest, DoesNotFollowASymbolicLink) {
  ASSERT_EQ(::symlink(directory.file("elsewhere").c_str(), path.c_str()), 0);
  EXPECT_EQ(failure(), CommandStatus::failed);
  EXPECT_FALSE(std::filesystem::exists(directory.file("elsewhere")));
  EXPECT_THROW(static_cast<void>(find_lock_holder(path)), CommandError);
}

TEST_F(InstanceLockTest, IsNotHungByAFifo) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  EXPECT_EQ(failure(), CommandStatus::failed);
  EXPECT_THROW(static_cast<void>(find_lock_holder(path)), CommandError);
}

TEST(OwnerOf, NamesTheUserOfAProcess) {
  EXPECT_NE(owner_of(::getpid()), "unknown");
  EXPECT_EQ(owner_of(0x7FFFFFFF), "unknown");
}

}  // namespace
}  // namespace wsd::master
