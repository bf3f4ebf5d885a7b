// What the processes of a run share: the plan that the first one makes and the statistics that the others keep.

#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "tests/wsbench/counter.h"
#include "tests/wsbench/fanout_board.h"
#include "tests/wsbench/rate_steps.h"
#include "tests/wsbench/statistics.h"

namespace wsd::bench {

// Times are nanoseconds of CLOCK_MONOTONIC. Written by the reporting process before it gives the order that needs them.
struct Schedule {
  Counter held;  // connections that each process is to hold, at most
  Counter load_from;
  Counter measure_from;
  Counter measure_to;
  Counter disturbed_since;  // when --reload's command was run first; 0: not yet

  // Of a rate that grows over the measured time.
  [[nodiscard]] RateSteps steps(double first, double last) const {
    const auto time = [](const Counter& counter) { return Time(std::chrono::nanoseconds(counter.value())); };
    return {first, last, time(measure_from), time(measure_to)};
  }
};

// A mapping of its own, inherited over fork.
class SharedRun {
 public:
  // Without publishers, without a board; with a steady rate, without counts of its steps. Throws std::system_error.
  SharedRun(std::size_t processes, std::size_t publishers, bool has_steps);
  ~SharedRun();
  SharedRun(const SharedRun&) = delete;
  SharedRun& operator=(const SharedRun&) = delete;

  [[nodiscard]] Schedule& schedule() const { return *schedule_; }
  [[nodiscard]] std::span<Statistics> statistics() const { return statistics_; }
  [[nodiscard]] FanoutBoard* fanout() const { return fanout_.get(); }
  // Of each process, or none.
  [[nodiscard]] std::span<StepCounts> steps() const { return steps_; }

 private:
  void* memory_;
  std::size_t size_;
  Schedule* schedule_;
  std::span<Statistics> statistics_;
  std::span<StepCounts> steps_;
  std::unique_ptr<FanoutBoard> fanout_;
};

}  // namespace wsd::bench
