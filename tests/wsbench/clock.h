#pragma once

#include <chrono>

namespace wsd::bench {

// CLOCK_MONOTONIC: one clock for all processes of a run.
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Seconds = std::chrono::duration<double>;

[[nodiscard]] inline Clock::duration rounded(Seconds time) {
  return std::chrono::duration_cast<Clock::duration>(time);
}

}  // namespace wsd::bench
