// The supervisor's clock: it stands still while the master sleeps (a stopped process, a frozen container), so that
// nobody is judged by a time in which the master could not have heard of him.

#pragma once

#include <optional>

#include "master/supervision.h"

namespace wsd::master {

class AwakeClock {
 public:
  // The awake time of a real one, as far as is known now.
  [[nodiscard]] TimePoint awake(TimePoint real) const { return real - slept_; }
  [[nodiscard]] TimePoint real(TimePoint awake) const { return awake + slept_; }

  // The master was `due` (in awake time) and comes at `now` (in real time). Later than `patience` means that it slept:
  // from now on, the time since then does not count. Returns how long it slept.
  Duration notice_sleep(std::optional<TimePoint> due, TimePoint now, Duration patience) {
    if (!due || awake(now) - *due <= patience) return Duration::zero();
    const Duration sleep = awake(now) - *due;
    slept_ += sleep;
    return sleep;
  }

 private:
  Duration slept_ = Duration::zero();
};

}  // namespace wsd::master
