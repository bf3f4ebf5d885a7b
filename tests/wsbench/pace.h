// The open loop of one process: its share of the rate, and the counts of its steps where it grows.

#pragma once

#include "tests/wsbench/mode.h"
#include "tests/wsbench/rate_steps.h"
#include "tests/wsbench/send_schedule.h"

namespace wsd::bench {

class Pace {
 public:
  Pace() = default;
  // From now on. With a rate that grows, its steps begin with the measured time.
  explicit Pace(const ModeContext& context)
      : schedule(
            context.wire.now + rounded(Seconds(static_cast<double>(context.process_index) / context.options().rate)),
            context.options().rate / static_cast<double>(context.options().processes)) {
    if (context.shared.steps().empty()) return;
    counts_ = &context.shared.steps()[context.process_index];
    steps_ = context.shared.schedule().steps(context.options().rate, context.options().final_rate);
    schedule.follow(steps_, 1 / static_cast<double>(context.options().processes));
  }

  void count(Time due, Time now) {
    if (counts_ != nullptr) counts_->count(steps_, due, now);
  }

  SendSchedule schedule;

 private:
  RateSteps steps_;
  StepCounts* counts_ = nullptr;
};

}  // namespace wsd::bench
