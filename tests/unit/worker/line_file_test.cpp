#include "worker/line_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/support/temporary_directory.h"
#include "worker/file_descriptor.h"
#include "worker/log.h"

namespace wsd::worker {
namespace {

using testing_support::content_of;
using testing_support::TemporaryDirectory;

TEST(LineFile, KeepsTheLinesOfManyProcessesWhole) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("lines");
  const FileDescriptor file = log::open_file(path);
  constexpr int processes = 4;
  constexpr int lines = 500;
  std::vector<pid_t> children;
  for (int process = 0; process < processes; ++process) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    LineFile writer(file.get());
    for (int i = 0; i < lines; ++i) {
      writer.write(std::to_string(process) + " " + std::to_string(i) + std::string(static_cast<std::size_t>(i), 'x') +
                   "\n");
    }
    ::_exit(writer.lost() == 0 ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  std::set<std::string> expected;
  for (int process = 0; process < processes; ++process) {
    for (int i = 0; i < lines; ++i) {
      expected.insert(std::to_string(process) + " " + std::to_string(i) +
                      std::string(static_cast<std::size_t>(i), 'x'));
    }
  }
  std::istringstream content(content_of(path));
  std::set<std::string> found;
  for (std::string line; std::getline(content, line);) found.insert(line);
  EXPECT_EQ(found, expected);
}

TEST(LineFile, CountsWhatIsLostAndWhatNobodyWasToldOf) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  LineFile file(full.get());
  EXPECT_FALSE(file.write("one\n"));
  EXPECT_FALSE(file.write("two\n"));
  EXPECT_FALSE(file.try_to_write("a report of that\n"));
  EXPECT_EQ(file.lost(), 2U);
  EXPECT_EQ(file.untold(), 2U);
  file.told();
  EXPECT_EQ(file.lost(), 2U);
  EXPECT_EQ(file.untold(), 0U);
}

// In a child of its own, since the limit on a file's size is for life.
TEST(LineFile, EndsATornLineInTheFileThatHasIt) {
  const TemporaryDirectory directory;
  const FileDescriptor torn = log::open_file(directory.file("torn"));
  const FileDescriptor other = log::open_file(directory.file("other"));
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{10, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    LineFile file(torn.get());
    const bool lost = !file.write("a line of many words\n");
    limit.rlim_cur = 1000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    file.write("whole\n");
    file.use(other.get());
    file.write("whole too\n");
    ::_exit(lost && file.lost() == 1 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content_of(directory.file("torn")), "a line of \nwhole\n");
  EXPECT_EQ(content_of(directory.file("other")), "whole too\n");
}

}  // namespace
}  // namespace wsd::worker
