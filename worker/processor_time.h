// The processor time that this process has had.

#pragma once

#include <time.h>

#include <cstdint>

namespace wsd::worker {

// In nanoseconds, user and system together.
inline std::uint64_t processor_time_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace wsd::worker
