// A rate that grows in equal steps over the measured time (--rate FROM-TO), and what became of each of them.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/wsbench/clock.h"
#include "tests/wsbench/counter.h"
#include "tests/wsbench/latency_histogram.h"

namespace wsd::bench {

// When which rate holds: a step begins with the one before it over.
class RateSteps {
 public:
  static constexpr std::size_t count = 10;

  RateSteps() = default;
  // Events a second, growing from `start` to `end`.
  RateSteps(double first, double last, Time start, Time end)
      : first_(first), last_(last), start_(start), length_((end - start) / static_cast<int>(count)) {}

  [[nodiscard]] double rate(std::size_t step) const {
    return first_ + (last_ - first_) * static_cast<double>(step) / static_cast<double>(count - 1);
  }
  [[nodiscard]] Time begin_of(std::size_t step) const { return start_ + length_ * static_cast<int>(step); }
  [[nodiscard]] Clock::duration length() const { return length_; }
  // Nothing: before the first, or after the last.
  [[nodiscard]] std::optional<std::size_t> step_at(Time time) const {
    if (time < start_ || time >= begin_of(count)) return std::nullopt;
    return static_cast<std::size_t>((time - start_) / length_);
  }

 private:
  double first_ = 0, last_ = 0;
  Time start_{};
  Clock::duration length_{1};
};

// Whether so many done are all that were wanted, but for what was on its way at either end.
[[nodiscard]] inline bool follows(double wanted, std::uint64_t done) {
  return static_cast<double>(done) >= wanted - std::max(5.0, 0.02 * wanted);
}

// What one process counts of them, in memory that it shares.
class StepCounts {
 public:
  struct Step {
    Counter done;                // in its time, whenever it was due
    LatencyHistogram latencies;  // of what was due in its time
  };

  void count(const RateSteps& steps, Time due, Time now) {
    if (const auto step = steps.step_at(now)) steps_[*step].done.add();
    if (const auto step = steps.step_at(due)) steps_[*step].latencies.record(now - due);
  }
  [[nodiscard]] const Step& at(std::size_t step) const { return steps_[step]; }

 private:
  std::array<Step, RateSteps::count> steps_;
};

}  // namespace wsd::bench
