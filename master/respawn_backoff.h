// How long a slot waits before its next worker: the first comes at once, then after 100 ms doubling to 10 s.

#pragma once

#include "master/supervision.h"

namespace wsd::master {

class RespawnBackoff {
 public:
  // After a crash: nothing the first time, then the growing steps.
  [[nodiscard]] Duration after_crash(const SupervisorSettings& settings);
  // After a worker that could not even start: trying the same again at once is pointless, so the first step is skipped.
  [[nodiscard]] Duration after_failed_start(const SupervisorSettings& settings);
  // The last worker was a good one, or the next one runs other code.
  void reset();

  // True once, when the steps have grown to their last: it keeps dying, and somebody should be told.
  [[nodiscard]] bool just_reached_last_step(const SupervisorSettings& settings);

 private:
  Duration next_ = Duration::zero();
  bool told_ = false;
};

}  // namespace wsd::master
