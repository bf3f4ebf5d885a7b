#include "tests/wsbench/shared_run.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace wsd::bench {

namespace {

constexpr std::size_t statistics_offset = alignof(Statistics) * ((sizeof(Schedule) / alignof(Statistics)) + 1);

}  // namespace

SharedRun::SharedRun(std::size_t processes, std::size_t publishers, bool has_steps)
    : size_(statistics_offset + processes * (sizeof(Statistics) + (has_steps ? sizeof(StepCounts) : 0))) {
  memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory_ == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
  auto* const bytes = static_cast<std::byte*>(memory_);
  schedule_ = new (bytes) Schedule;
  auto* const first = reinterpret_cast<Statistics*>(bytes + statistics_offset);
  for (std::size_t i = 0; i < processes; ++i) new (first + i) Statistics;
  statistics_ = {first, processes};
  if (has_steps) {
    auto* const first_steps = reinterpret_cast<StepCounts*>(first + processes);
    for (std::size_t i = 0; i < processes; ++i) new (first_steps + i) StepCounts;
    steps_ = {first_steps, processes};
  }
  if (publishers > 0) fanout_ = std::make_unique<FanoutBoard>(processes, publishers);
}

SharedRun::~SharedRun() {
  ::munmap(memory_, size_);
}

}  // namespace wsd::bench
