// How often somebody may do something: so many times a second on the whole, and a burst at once.

#pragma once

#include <algorithm>
#include <chrono>

namespace wsd::worker {

struct Rate {
  double per_second = 5;
  double burst = 10;
};

// Begins full. The caller brings the clock.
class TokenBucket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  TokenBucket(Rate rate, TimePoint now) : rate_(rate), tokens_(rate.burst), filled_(now) {}

  // Whether it may be done now; counts it if so.
  [[nodiscard]] bool take(TimePoint now) {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(rate_.burst, tokens_ + passed.count() * rate_.per_second);
    filled_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  Rate rate_;
  double tokens_;
  TimePoint filled_;
};

}  // namespace wsd::worker
