#include "master/run_directory.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "master/exit_status.h"
#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;

Options options_with(const std::string& run_dir, const std::string& name = "wsd") {
  Options options;
  options.run_dir.give(run_dir);
  options.name.give(name);
  return options;
}

template <typename Action>
std::pair<CommandStatus, std::string> failure_of(Action&& action) {
  try {
    action();
  } catch (const CommandError& error) {
    return {error.status(), error.what()};
  }
  return {CommandStatus::done, ""};
}

TEST(RunDirectory, NamesItsFilesAfterTheInstance) {
  const RunDirectory directory = RunDirectory::locate(options_with("/x", "chat"));
  EXPECT_EQ(directory.lock_file(), "/x/chat.lock");
  EXPECT_EQ(directory.pid_file(), "/x/chat.pid");
  EXPECT_EQ(directory.control_socket(), "/x/chat.sock");
  EXPECT_EQ(directory.default_log_file(), "/x/chat.log");
}

TEST(RunDirectory, IsThatOfTheSystemForRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const RunDirectory directory = RunDirectory::locate(Options());
  EXPECT_EQ(directory.path(), "/run/wsd");
  EXPECT_EQ(directory.default_log_file(), "/var/log/wsd/wsd.log");
}

// As somebody else than root, in a child where the test is root.
int as_ordinary_user(const std::function<bool()>& check) {
  testing_support::ChildProcess child([&check](const auto& ready) {
    ready();
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 2;
    return check() ? 0 : 1;
  });
  return child.wait();
}

TEST(RunDirectory, IsThatOfTheSessionForOthers) {
  EXPECT_EQ(as_ordinary_user([] {
              ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
              const RunDirectory directory = RunDirectory::locate(Options());
              return directory.path() == "/run/user/7/wsd" && directory.default_log_file() == "/run/user/7/wsd/wsd.log";
            }),
            0);
}

TEST(RunDirectory, IsAskedForWhereThereIsNoSession) {
  EXPECT_EQ(as_ordinary_user([] {
              ::unsetenv("XDG_RUNTIME_DIR");
              const auto [status, line] = failure_of([] { static_cast<void>(RunDirectory::locate(Options())); });
              return status == CommandStatus::usage && line.find("--run-dir") != std::string::npos;
            }),
            0);
}

TEST(RunDirectory, RefusesAPathTooLongForASocket) {
  const auto [status, line] =
      failure_of([] { static_cast<void>(RunDirectory::locate(options_with("/" + std::string(100, 'x')))); });
  EXPECT_EQ(status, CommandStatus::usage);
  EXPECT_THAT(line, HasSubstr("--run-dir"));
}

TEST(RunDirectory, IsMadeWithItsParents) {
  const testing_support::TemporaryDirectory temporary;
  RunDirectory::locate(options_with(temporary.file("a/b"))).create();
  struct stat status {};
  ASSERT_EQ(::stat(temporary.file("a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0022U, 0U);
  EXPECT_NO_THROW(RunDirectory::locate(options_with(temporary.file("a/b"))).create());
}

TEST(RunDirectory, RefusesWhatIsNoDirectory) {
  const testing_support::TemporaryDirectory temporary;
  testing_support::write_file(temporary.file("file"), "");
  for (const char* path : {"file", "file/below"}) {
    const auto [status, line] = failure_of([&] { RunDirectory::locate(options_with(temporary.file(path))).create(); });
    EXPECT_EQ(status, CommandStatus::failed) << path;
    EXPECT_THAT(line, HasSubstr("--run-dir"));
  }
}

TEST(RunDirectory, RefusesOneThatEverybodyMayWriteTo) {
  const testing_support::TemporaryDirectory temporary;
  ASSERT_EQ(::chmod(temporary.path().c_str(), 01777), 0);
  const auto [status, line] = failure_of([&] { RunDirectory::locate(options_with(temporary.path())).create(); });
  EXPECT_EQ(status, CommandStatus::failed);
  EXPECT_THAT(line, HasSubstr("everybody"));
}

TEST(RunDirectory, RefusesOneThatCannotBeWritten) {
  EXPECT_EQ(as_ordinary_user([] {
              const auto [status, line] = failure_of([] { RunDirectory::locate(options_with("/usr")).create(); });
              const auto [status_below, line_below] =
                  failure_of([] { RunDirectory::locate(options_with("/usr/wsd-test")).create(); });
              return status == CommandStatus::failed && status_below == CommandStatus::failed;
            }),
            0);
}

TEST(LogFile, IsOpenedWhereTheOptionsSay) {
  const testing_support::TemporaryDirectory temporary;
  Options options = options_with(temporary.file("run"));
  const RunDirectory directory = RunDirectory::locate(options);
  EXPECT_TRUE(open_log_file(options, directory));
  EXPECT_TRUE(std::filesystem::exists(temporary.file("run/wsd.log")));

  options.log_file.give(temporary.file("missing/x.log"));
  const auto [status, line] = failure_of([&] { static_cast<void>(open_log_file(options, directory)); });
  EXPECT_EQ(status, CommandStatus::failed);
  EXPECT_THAT(line, HasSubstr("x.log"));
}

}  // namespace
}  // namespace wsd::master
