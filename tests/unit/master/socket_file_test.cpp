#include "master/socket_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "master/exit_status.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

class SocketFileTest : public testing::Test {
 protected:
  [[nodiscard]] bool is_there() const { return std::filesystem::exists(path_); }

  testing_support::TemporaryDirectory directory_;
  const std::string path_ = directory_.file("s");
  worker::FileDescriptor socket_ = bind_to_file(path_, 0640);
};

TEST_F(SocketFileTest, HasTheModeThatWasAskedFor) {
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
}

TEST_F(SocketFileTest, IsNotMadeTwice) {
  EXPECT_FALSE(bind_to_file(path_, 0640));
  EXPECT_EQ(errno, EADDRINUSE);
  EXPECT_FALSE(bind_to_file(directory_.file(std::string(108, 'x')), 0640));
  EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST_F(SocketFileTest, GoesWithTheObjectThatWasMovedToLast) {
  std::optional<SocketFile> last;
  {
    SocketFile first(path_);
    last = std::move(first);
  }
  EXPECT_TRUE(is_there());
  last.reset();
  EXPECT_FALSE(is_there());
}

TEST_F(SocketFileTest, StaysWhereItIsAnotherOne) {
  {
    const SocketFile file(path_);
    std::filesystem::rename(path_, directory_.file("moved"));
    socket_ = bind_to_file(path_, 0640);
  }
  EXPECT_TRUE(is_there());
}

TEST_F(SocketFileTest, IsLeftAloneByAChild) {
  std::optional<SocketFile> file(path_);
  const pid_t child = ::fork();
  if (child == 0) {
    file.reset();
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(is_there());
}

TEST_F(SocketFileTest, MustBeThere) {
  EXPECT_THROW(SocketFile(directory_.file("none")), CommandError);
}

}  // namespace
}  // namespace wsd::master
