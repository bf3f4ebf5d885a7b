#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <vector>

namespace wsd::load {

// CPU time of a set of processes. The total is exact (the kernel's run time accounting, in nanoseconds); its division
// into user and system is /proc/PID/stat's, in ticks of 10 ms, applied to that total.
struct CpuTime {
  std::chrono::duration<double> total{0}, user{0}, system{0};
};
[[nodiscard]] CpuTime cpu_time_of(const std::vector<pid_t>& pids);
[[nodiscard]] CpuTime operator-(const CpuTime& after, const CpuTime& before);

// Memory of a set of processes in bytes, from /proc/PID/smaps_rollup.
struct Memory {
  std::size_t resident = 0;
  std::size_t proportional = 0;   // PSS: pages shared by n processes count 1/n
  std::size_t private_dirty = 0;  // what the processes themselves have written
};
[[nodiscard]] Memory memory_of(const std::vector<pid_t>& pids);

}  // namespace wsd::load
