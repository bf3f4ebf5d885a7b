// The longest time in which a connection got nothing, before the server was disturbed and since.

#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tests/wsbench/clock.h"
#include "tests/wsbench/counter.h"

namespace wsd::bench {

struct Gaps {
  Clock::duration before{0};
  Clock::duration since{0};

  void merge(const Gaps& other) {
    before = std::max(before, other.before);
    since = std::max(since, other.since);
  }
};

class GapWatch {
 public:
  // `disturbed_since`: nanoseconds of the clock; 0 until then. A gap counts where it ends.
  GapWatch(std::size_t connections, const Counter& disturbed_since, Gaps& gaps)
      : last_(connections), disturbed_since_(disturbed_since), gaps_(gaps) {}

  // From now on the connection is expected to get something now and then; not: not any more.
  void begin(std::size_t connection, Time now) { last_[connection] = now; }
  void end(std::size_t connection) { last_[connection] = Time{}; }
  // It has got something, or it is time to look how long it has not.
  void look(std::size_t connection, Time now) {
    Time& last = last_[connection];
    if (last == Time{}) return;
    Clock::duration& longest = disturbed_since_.value() == 0 ? gaps_.before : gaps_.since;
    longest = std::max(longest, now - last);
    last = now;
  }
  void look_at_all(Time now) {
    for (std::size_t i = 0; i < last_.size(); ++i) look(i, now);
  }

 private:
  std::vector<Time> last_;
  const Counter& disturbed_since_;
  Gaps& gaps_;
};

}  // namespace wsd::bench
