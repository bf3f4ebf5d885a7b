#include "worker/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "tests/unit/support/temporary_directory.h"

namespace wsd::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing_support::content_of;

class Log : public testing::Test {
 protected:
  Log() {
    use(file.get());
    set_level(Level::info);
    set_role("master");
  }
  ~Log() override { use(STDERR_FILENO); }

  [[nodiscard]] std::string content() const { return content_of(path); }

  testing_support::TemporaryDirectory directory;
  std::string path = directory.file("wsd.log");
  worker::FileDescriptor file = open_file(path);
  std::string pid = std::to_string(::getpid());
};

TEST_F(Log, WritesOneLineWithTimeLevelAndRole) {
  info("{} workers", 4);
  EXPECT_THAT(content(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} info  master\\[" + pid +
                           "\\]: 4 workers\n"));
}

TEST_F(Log, NamesEachLevelInFiveCharacters) {
  set_level(Level::debug);
  debug("a");
  warning("b");
  error("c");
  EXPECT_THAT(content(), HasSubstr(" debug master[" + pid + "]: a\n"));
  EXPECT_THAT(content(), HasSubstr(" warn  master[" + pid + "]: b\n"));
  EXPECT_THAT(content(), HasSubstr(" error master[" + pid + "]: c\n"));
}

TEST_F(Log, KeepsQuietBelowItsLevel) {
  set_level(Level::warning);
  debug("a");
  info("b");
  EXPECT_EQ(content(), "");
  EXPECT_FALSE(enabled(Level::info));
  EXPECT_TRUE(enabled(Level::error));
}

TEST_F(Log, TakesItsRoleAndPidAnewAfterAFork) {
  const pid_t child = ::fork();
  if (child == 0) {
    set_role("worker", 2);
    info("here");
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(content(), EndsWith(" info  worker 2[" + std::to_string(child) + "]: here\n"));
}

TEST_F(Log, StaysOneLineWhateverStrangersSay) {
  info("path {}", "/\n2026-11-23 error master[1]: forged\r\x1B[2J\x7F\xFF");
  const std::string text = content();
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_THAT(text, EndsWith(R"(path /\n2026-11-23 error master[1]: forged\r\e[2J\x7f\xff)"
                             "\n"));
}

TEST_F(Log, WritesJsonObjectsOfOneLine) {
  set_format(Format::json);
  warning("{} workers, \"quoted\"", 4);
  set_role("worker", 2);
  error("path {}", "/\n\x1B\x00\x7F\xFF");
  set_format(Format::text);
  const std::string text = content();
  const std::string time = "\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z\",";
  EXPECT_THAT(text.substr(0, text.find('\n')),
              MatchesRegex(time + "\"level\":\"warning\",\"role\":\"master\",\"pid\":" + pid +
                           ",\"message\":\"4 workers, \\\\\"quoted\\\\\"\"\\}"));
  EXPECT_THAT(text, EndsWith("\"level\":\"error\",\"role\":\"worker\",\"worker\":2,\"pid\":" + pid +
                             R"(,"message":"path /\\n\\e"})"
                             "\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST_F(Log, SpellsTimesInUniversalTime) {
  using namespace std::chrono_literals;
  EXPECT_EQ(rfc3339(std::chrono::system_clock::time_point(1'700'000'000'007ms)), "2023-11-14T22:13:20.007Z");
}

TEST_F(Log, BoundsWhatStrangersCause) {
  set_role("master");
  for (int i = 0; i < 1000; ++i) stranger(Level::info, "visits", "visit {}", i);
  for (int i = 0; i < 1000; ++i) stranger(Level::debug, "quiet visits", "visit {}", i);
  EXPECT_EQ(std::ranges::count(content(), '\n'), 10);
  tell_held_back();
  EXPECT_EQ(std::ranges::count(content(), '\n'), 10) << "there may be more";
  tell_all_held_back();
  EXPECT_THAT(content(), EndsWith(": visits: 990 more like this were not logged\n"));
  EXPECT_EQ(std::ranges::count(content(), '\n'), 11);
}

TEST_F(Log, GoesOnInTheFileThatReplacesItsOwn) {
  info("before");
  const worker::FileDescriptor fresh = open_file(directory.file("fresh.log"));
  EXPECT_TRUE(replace_file(file.get(), fresh.get()));
  info("behind");
  EXPECT_THAT(content(), EndsWith(": before\n"));
  EXPECT_THAT(content_of(directory.file("fresh.log")), EndsWith(": behind\n"));
  EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_FALSE(replace_file(file.get(), 100'000));
  info("still");
  EXPECT_THAT(content_of(directory.file("fresh.log")), EndsWith(": still\n"));
}

TEST_F(Log, CountsLostLinesAndSaysSoWhenItCanAgain) {
  const worker::FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  use(full.get());
  info("lost 1");
  info("lost 2");
  EXPECT_EQ(lost_lines(), 2U);
  use(file.get());
  info("kept");
  EXPECT_EQ(lost_lines(), 0U);
  const std::string text = content();
  EXPECT_THAT(text, HasSubstr("2 log lines were lost"));
  EXPECT_THAT(text, EndsWith(": kept\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST_F(Log, SurvivesAPipeThatNobodyReads) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[0]);
  const worker::FileDescriptor pipe(ends[1]);
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  use(pipe.get());
  info("unheard");
  EXPECT_EQ(lost_lines(), 1U);
  use(file.get());
  info("heard");
  EXPECT_THAT(content(), HasSubstr("1 log lines were lost"));
  ::signal(SIGPIPE, before);
}

// In a child of its own, since the limit on a file's size is for life.
TEST_F(Log, EndsATornLineBeforeTheNext) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{80, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    info("{}", std::string(100, 'x'));
    const bool lost = lost_lines() == 1;
    limit.rlim_cur = 1000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    info("whole");
    ::_exit(lost ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const std::string text = content();
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_THAT(text, HasSubstr("x\n"));
  EXPECT_THAT(text, EndsWith(": whole\n"));
}

TEST(LogFile, IsForOwnerAndGroupAlone) {
  const testing_support::TemporaryDirectory directory;
  const worker::FileDescriptor file = open_file(directory.file("a.log"));
  struct stat status {};
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137U, 0U);
  EXPECT_NE(::fcntl(file.get(), F_GETFL) & O_APPEND, 0);
  EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(LogFile, IsNeverReachedThroughASymbolicLink) {
  const testing_support::TemporaryDirectory directory;
  ASSERT_EQ(::symlink(directory.file("target").c_str(), directory.file("a.log").c_str()), 0);
  EXPECT_THROW(static_cast<void>(open_file(directory.file("a.log"))), std::runtime_error);
  EXPECT_NE(::access(directory.file("target").c_str(), F_OK), 0);
}

TEST(LogFile, IsNoFifoAndNoDirectory) {
  const testing_support::TemporaryDirectory directory;
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  EXPECT_THROW(static_cast<void>(open_file(directory.file("fifo"))), std::runtime_error);
  EXPECT_THROW(static_cast<void>(open_file(directory.path())), std::runtime_error);
  EXPECT_THROW(static_cast<void>(open_file(directory.file("missing/a.log"))), std::runtime_error);
}

TEST(LogLevel, IsReadAndWrittenByName) {
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
    EXPECT_EQ(level_from(to_string(level)), level);
  }
  EXPECT_EQ(level_from("warn"), Level::warning);
  EXPECT_EQ(level_from("INFO"), std::nullopt);
}

}  // namespace
}  // namespace wsd::log
