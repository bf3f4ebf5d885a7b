// When the messages of an open loop are due: at a steady rate, or one that grows in steps, each connection of a process
// in its turn.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "tests/wsbench/clock.h"
#include "tests/wsbench/rate_steps.h"

namespace wsd::bench {

class SendSchedule {
 public:
  SendSchedule() = default;
  // So many a second, the first of them at `start`.
  SendSchedule(Time start, double rate) : start_(start), interval_ns_(1e9 / rate) {}

  // From the first step on at this share of their rates.
  void follow(const RateSteps& steps, double share) {
    steps_ = steps;
    share_ = share;
    next_step_ = 0;
    take_step();
  }

  [[nodiscard]] Time due(std::uint64_t number) const {
    return start_ + std::chrono::nanoseconds(std::llround(static_cast<double>(number - first_) * interval_ns_));
  }
  [[nodiscard]] Time next_due() const { return due(taken_); }
  // The next message is taken in hand; the number that it has.
  std::uint64_t take() {
    const std::uint64_t number = taken_++;
    take_step();
    return number;
  }

 private:
  void take_step() {
    while (next_step_ < RateSteps::count && next_due() >= steps_.begin_of(next_step_)) {
      start_ = steps_.begin_of(next_step_);
      first_ = taken_;
      interval_ns_ = 1e9 / (steps_.rate(next_step_++) * share_);
    }
  }

  Time start_{};
  double interval_ns_ = 0;
  std::uint64_t first_ = 0;  // due at start_
  std::uint64_t taken_ = 0;
  RateSteps steps_;
  double share_ = 1;
  std::size_t next_step_ = RateSteps::count;  // none comes
};

}  // namespace wsd::bench
