#include "master/daemonize.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing_support::content_of;

// Runs `daemon` as a daemon whose standard output and error go to `output`; what the waiting command gets.
StartOutcome outcome_of(const std::string& output, const std::function<void(StartReport&)>& daemon) {
  const worker::FileDescriptor file(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  auto result = daemonize(file.get(), file.get(), "/var/log/x.log");
  if (auto* outcome = std::get_if<StartOutcome>(&result)) return *outcome;
  daemon(std::get<StartReport>(result));
  ::_exit(0);
}

class Daemonize : public testing::Test {
 protected:
  testing_support::TemporaryDirectory directory;
  std::string output = directory.file("output");
};

TEST_F(Daemonize, ReportsSuccess) {
  const StartOutcome outcome = outcome_of(output, [](StartReport& report) { report.success(); });
  EXPECT_EQ(outcome.status, CommandStatus::done);
  EXPECT_EQ(outcome.reason, "");
}

TEST_F(Daemonize, ReportsTheReasonOfAFailure) {
  const StartOutcome outcome = outcome_of(output, [](StartReport& report) {
    report.failure(CommandStatus::already_running, "it is running");
    report.success();
  });
  EXPECT_EQ(outcome.status, CommandStatus::already_running);
  EXPECT_EQ(outcome.reason, "it is running");
}

TEST_F(Daemonize, ReturnsFromAFailureWhenTheDaemonIsGone) {
  const std::string last_words = directory.file("last words");
  const StartOutcome outcome = outcome_of(output, [&last_words](StartReport& report) {
    report.failure(CommandStatus::already_running, "it is running");
    ::usleep(100'000);
    testing_support::write_file(last_words, "done");
  });
  EXPECT_EQ(outcome.status, CommandStatus::already_running);
  EXPECT_EQ(content_of(last_words), "done");
}

TEST_F(Daemonize, CutsAnEndlessReason) {
  const StartOutcome outcome = outcome_of(
      output, [](StartReport& report) { report.failure(CommandStatus::failed, std::string(1'000'000, 'x')); });
  EXPECT_EQ(outcome.status, CommandStatus::failed);
  EXPECT_EQ(outcome.reason.size(), 2000U);
}

TEST_F(Daemonize, NoticesASilentDeath) {
  const StartOutcome outcome = outcome_of(output, [](StartReport&) {});
  EXPECT_EQ(outcome.status, CommandStatus::failed);
  EXPECT_EQ(outcome.reason, "the master died while starting, see /var/log/x.log");
}

TEST_F(Daemonize, NoticesItThoughAWorkerLivesOn) {
  const std::string pid_file = directory.file("worker.pid");
  const StartOutcome outcome = outcome_of(output, [&pid_file](StartReport& report) {
    const pid_t worker = ::fork();
    if (worker != 0) return testing_support::write_file(pid_file, std::to_string(worker));
    ::alarm(60);
    report.close_in_child();
    ::pause();
  });
  EXPECT_EQ(outcome.status, CommandStatus::failed);
  EXPECT_EQ(::kill(std::stoi(content_of(pid_file)), SIGKILL), 0) << "it was noticed only when the worker had ended";
}

TEST_F(Daemonize, LeavesTerminalAndDirectoryBehind) {
  const pid_t our_session = ::getsid(0);
  const StartOutcome outcome = outcome_of(output, [our_session](StartReport& report) {
    const bool apart = ::getsid(0) != our_session && ::getsid(0) != ::getpid() && ::getpgrp() != ::getpid();
    const bool at_root = std::filesystem::current_path() == "/";
    char byte = 0;
    const bool no_input = ::read(STDIN_FILENO, &byte, 1) == 0;
    const bool writes = ::write(STDOUT_FILENO, "out ", 4) == 4 && ::write(STDERR_FILENO, "err", 3) == 3;
    if (apart && at_root && no_input && writes) report.success();
  });
  EXPECT_EQ(outcome.status, CommandStatus::done);
  EXPECT_EQ(content_of(output), "out err");
}

TEST(StartReport, IsSilentWhereNobodyWaits) {
  StartReport report;
  report.success();
  report.failure(CommandStatus::failed, "unheard");
}

}  // namespace
}  // namespace wsd::master
