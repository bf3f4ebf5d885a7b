// A command that is run in the middle of a load, once or again and again: a reload, an upgrade, a restart.

#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/wsbench/clock.h"
#include "tests/wsbench/counter.h"

namespace wsd::bench {

class Disturbance {
 public:
  struct Execution {
    Time start;
    Seconds duration{0};
    int status = 0;       // as shells have it: 128 and the signal's number, where one killed it
    bool is_over = true;  // not: given up, and left to itself
  };

  // Runs the command by sh at each of these times, one after another, what it says going to standard error. Sets
  // `since` to the start of the first one, in nanoseconds of the clock.
  Disturbance(std::string command, std::vector<Time> times, Counter& since);
  // Gives up, as finish() does.
  ~Disturbance();
  Disturbance(const Disturbance&) = delete;
  Disturbance& operator=(const Disturbance&) = delete;

  // Begins no other from here on.
  void stop() { thread_.request_stop(); }
  [[nodiscard]] bool is_running() const { return is_running_; }
  // After stop(). Gives up the command that runs, if one does: it goes on, and nobody waits for it.
  [[nodiscard]] const std::vector<Execution>& finish();

 private:
  void work(const std::stop_token& stop);
  void run_command();
  // Its status as waitpid() has it; nothing: given up.
  [[nodiscard]] std::optional<int> await_end(pid_t pid) const;

  std::string command_;
  std::vector<Time> times_;
  Counter& since_;
  std::vector<Execution> executions_;
  std::atomic<bool> is_running_{false};
  std::atomic<bool> gives_up_{false};
  std::jthread thread_;  // the last: it uses the others
};

// When to run it in a load from `start` on: in its middle, or each `every`, as long as there is load after it.
[[nodiscard]] std::vector<Time> disturbance_times(Time start, Clock::duration duration, Clock::duration every);

}  // namespace wsd::bench
