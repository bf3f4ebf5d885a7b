#include "worker/scoreboard.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

// A master that dies while it folds a row leaves the mark behind: then what is there is read all the same.
constexpr int looks = 2000;
constexpr timespec between_looks{.tv_sec = 0, .tv_nsec = 50'000};  // folding takes less, unless the master must wait

// Whose a row is. Written by the master.
struct Owner {
  Counter slot_and_one;  // 0: nobody's
  Counter generation;
  Counter pid;  // 0: not known yet
};

}  // namespace

// Pages that nobody has touched cost nothing.
struct Scoreboard::Layout {
  Header header;
  std::atomic<std::uint64_t> changes;  // odd while the sums are not to be read
  MasterCounters master;
  Owner owners[capacity];
  Counter gone[slot_capacity];  // how many processes of the slot are: without any, its totals are not looked at
  alignas(128) ScoreboardRow folded[slot_capacity];
  ScoreboardRow rows[capacity];
};

void add_counters(ScoreboardRow& sum, const ScoreboardRow& row) {
  for (const auto counter : row_counters) (sum.*counter).add((row.*counter).get());
  for (const auto histogram : row_histograms) (sum.*histogram).add(row.*histogram);
}

Scoreboard::Header Scoreboard::header() {
  return {.rows_offset = offsetof(Layout, rows),
          .folded_offset = offsetof(Layout, folded),
          .master_offset = offsetof(Layout, master)};
}

Scoreboard Scoreboard::create() {
  FileDescriptor memory(::memfd_create("wsd-scoreboard", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), sizeof(Layout)) != 0) {
    throw std::system_error(errno, std::generic_category(), "no shared memory for the scoreboard");
  }
  const Header begin = header();
  if (::pwrite(memory.get(), &begin, sizeof(begin), 0) != sizeof(begin)) {
    throw std::system_error(errno, std::generic_category(), "no shared memory for the scoreboard");
  }
  return map(std::move(memory));  // the rest is zero, as the counters begin
}

bool Scoreboard::has_this_layout(int memory) {
  Header begin;
  struct stat status {};
  if (::pread(memory, &begin, sizeof(begin), 0) != sizeof(begin)) return false;
  if (::fstat(memory, &status) != 0 || status.st_size != sizeof(Layout)) return false;
  const Header ours = header();
  return std::memcmp(&begin, &ours, sizeof(begin)) == 0;
}

Scoreboard Scoreboard::map(FileDescriptor memory) {
  if (!has_this_layout(memory.get())) throw std::runtime_error("the scoreboard has another layout than this version's");
  void* const mapped = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "the scoreboard could not be mapped");
  }
  return Scoreboard(std::move(memory), static_cast<Layout*>(mapped));
}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : memory_(std::move(other.memory_)), layout_(std::exchange(other.layout_, nullptr)) {}

Scoreboard::~Scoreboard() {
  if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
}

ScoreboardRow& Scoreboard::row(std::size_t index) {
  WSD_ASSERT(index < capacity);
  return layout_->rows[index];
}

const ScoreboardRow& Scoreboard::row(std::size_t index) const {
  return const_cast<Scoreboard*>(this)->row(index);
}

MasterCounters& Scoreboard::master() {
  return layout_->master;
}

const MasterCounters& Scoreboard::master() const {
  return layout_->master;
}

void Scoreboard::open_row(std::size_t index, std::uint16_t slot, std::uint32_t generation) {
  WSD_ASSERT(slot < slot_capacity);
  begin_change();
  new (&row(index)) ScoreboardRow;
  Owner& owner = layout_->owners[index];
  owner.slot_and_one.set(slot + 1U);
  owner.generation.set(generation);
  owner.pid.set(0);
  end_change();
}

void Scoreboard::set_pid(std::size_t index, std::uint64_t pid) {
  layout_->owners[index].pid.set(pid);
}

void Scoreboard::close_row(std::size_t index) {
  Owner& owner = layout_->owners[index];
  const std::uint64_t slot_and_one = owner.slot_and_one.get();
  WSD_ASSERT(slot_and_one > 0);
  begin_change();
  fold(static_cast<std::uint16_t>(slot_and_one - 1), row(index));
  owner.slot_and_one.set(0);
  end_change();
}

void Scoreboard::fold(std::uint16_t slot, const ScoreboardRow& row) {
  WSD_ASSERT(slot < slot_capacity);
  add_counters(layout_->folded[slot], row);
  layout_->gone[slot].add(1);
}

const ScoreboardRow* Scoreboard::folded(std::uint16_t slot) const {
  WSD_ASSERT(slot < slot_capacity);
  return layout_->gone[slot].get() == 0 ? nullptr : &layout_->folded[slot];
}

void Scoreboard::begin_change() {
  // The changes must not be seen before the mark, nor the mark's end before the changes.
  layout_->changes.store(layout_->changes.load(std::memory_order_relaxed) | 1U, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
}

void Scoreboard::end_change() {
  layout_->changes.store(layout_->changes.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

ScoreboardReading Scoreboard::read() const {
  for (int look = 0; look < looks; ++look) {
    const std::uint64_t before = layout_->changes.load(std::memory_order_acquire);
    if ((before & 1U) == 0) {
      ScoreboardReading reading = read_once();
      std::atomic_thread_fence(std::memory_order_acquire);
      if (layout_->changes.load(std::memory_order_relaxed) == before) return reading;
    }
    ::nanosleep(&between_looks, nullptr);
  }
  return read_once();
}

ScoreboardReading Scoreboard::read_once() const {
  ScoreboardReading reading{.master = layout_->master, .processes = {}, .slots = {}};
  for (std::size_t index = 0; index < capacity; ++index) {
    const Owner& owner = layout_->owners[index];
    const std::uint64_t slot_and_one = owner.slot_and_one.get();
    if (slot_and_one == 0) continue;
    const auto slot = static_cast<std::uint16_t>(slot_and_one - 1);
    reading.processes.push_back({.slot = slot,
                                 .generation = static_cast<std::uint32_t>(owner.generation.get()),
                                 .pid = owner.pid.get(),
                                 .row = row(index)});
    add_counters(reading.slots[slot], reading.processes.back().row);
  }
  for (std::uint16_t slot = 0; slot < slot_capacity; ++slot) {
    if (const ScoreboardRow* const gone = folded(slot)) add_counters(reading.slots[slot], *gone);
  }
  return reading;
}

}  // namespace wsd::worker
