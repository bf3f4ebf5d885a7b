#include "master/pid_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "master/exit_status.h"
#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing_support::content_of;
using testing_support::write_file;

class PidFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory.path()), {}));
  }

  testing_support::TemporaryDirectory directory;
  std::string path = directory.file("wsd.pid");
  std::string ours = std::to_string(::getpid()) + "\n";
};

TEST_F(PidFileTest, HoldsOurPidAsLongAsItLives) {
  {
    const PidFile file(path);
    EXPECT_EQ(content_of(path), ours);
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(PidFileTest, ReplacesAStaleOne) {
  write_file(path, "1\n");
  const PidFile file(path);
  EXPECT_EQ(content_of(path), ours);
}

TEST_F(PidFileTest, ReplacesASymbolicLinkAndSparesItsTarget) {
  write_file(directory.file("target"), "precious");
  ASSERT_EQ(::symlink(directory.file("target").c_str(), path.c_str()), 0);
  const PidFile file(path);
  EXPECT_EQ(content_of(path), ours);
  EXPECT_EQ(content_of(directory.file("target")), "precious");
}

TEST_F(PidFileTest, ReplacesAFifo) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  const PidFile file(path);
  EXPECT_EQ(content_of(path), ours);
}

TEST_F(PidFileTest, FailsOnADirectoryAndLeavesNothing) {
  ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
  EXPECT_THROW(PidFile file(path), CommandError);
  EXPECT_EQ(files(), 1U);
}

TEST_F(PidFileTest, StaysWhenItIsASuccessors) {
  auto file = std::make_unique<PidFile>(path);
  write_file(path, "1\n");
  file.reset();
  EXPECT_EQ(content_of(path), "1\n");
}

TEST_F(PidFileTest, IsLeftAloneWhenAFifoTookItsPlace) {
  auto file = std::make_unique<PidFile>(path);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  file.reset();
  EXPECT_EQ(files(), 1U);
}

TEST_F(PidFileTest, SurvivesTheEndOfAForkedChild) {
  auto file = std::make_unique<PidFile>(path);
  testing_support::ChildProcess child([&file](const auto& ready) {
    file.reset();
    ready();
    return 0;
  });
  child.wait();
  EXPECT_EQ(content_of(path), ours);
}

}  // namespace
}  // namespace wsd::master
