// A forked child that runs a function of the test, and ends with it.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

namespace wsd::testing_support {

class ChildProcess {
 public:
  // `body` runs in the child; its result is the exit status. Call ready() in it to let the constructor return.
  explicit ChildProcess(const std::function<int(const std::function<void()>& ready)>& body) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      const auto ready = [&ends] {
        [[maybe_unused]] const ssize_t written = ::write(ends[1], "r", 1);
        ::close(ends[1]);
      };
      ::_exit(body(ready));
    }
    ::close(ends[1]);
    char byte = 0;
    [[maybe_unused]] const ssize_t size = ::read(ends[0], &byte, 1);
    ::close(ends[0]);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  // As waitpid tells it.
  int wait() {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace wsd::testing_support
