// When the messages of an open loop are due: at a steady rate, each connection of a process in its turn.

#pragma once

#include <cstdint>

#include "tests/wsbench/clock.h"

namespace wsd::bench {

class SendSchedule {
 public:
  SendSchedule() = default;
  // So many a second, the first of them at `start`.
  SendSchedule(Time start, double rate) : start_(start), interval_ns_(1e9 / rate) {}

  [[nodiscard]] Time due(std::uint64_t number) const {
    return start_ + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * interval_ns_));
  }
  [[nodiscard]] Time next_due() const { return due(taken_); }
  // The next message is taken in hand; the number that it has.
  std::uint64_t take() { return taken_++; }

 private:
  Time start_{};
  double interval_ns_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace wsd::bench
