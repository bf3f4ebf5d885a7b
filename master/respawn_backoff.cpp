#include "master/respawn_backoff.h"

#include <algorithm>

namespace wsd::master {

Duration RespawnBackoff::after_crash(const SupervisorSettings& settings) {
  const Duration delay = next_;
  next_ = std::clamp(delay * 2, settings.first_backoff, settings.last_backoff);
  return delay;
}

Duration RespawnBackoff::after_failed_start(const SupervisorSettings& settings) {
  next_ = std::max(next_, settings.first_backoff);
  return after_crash(settings);
}

void RespawnBackoff::reset() {
  *this = RespawnBackoff();
}

bool RespawnBackoff::just_reached_last_step(const SupervisorSettings& settings) {
  if (told_ || next_ < settings.last_backoff) return false;
  told_ = true;
  return true;
}

}  // namespace wsd::master
