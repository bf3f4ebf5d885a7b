#include "worker/scoreboard.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

struct Scoreboard::Layout {
  std::uint32_t layout_version = version;
  std::uint32_t row_size = sizeof(ScoreboardRow);
  std::uint32_t row_capacity = capacity;
  ScoreboardRow rows[capacity];
};

void* Scoreboard::map_memory(const FileDescriptor& memory) {
  void* const mapped = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "the scoreboard could not be mapped");
  }
  return mapped;
}

Scoreboard Scoreboard::create() {
  FileDescriptor memory(::memfd_create("wsd-scoreboard", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), sizeof(Layout)) != 0) {
    throw std::system_error(errno, std::generic_category(), "no shared memory for the scoreboard");
  }
  void* const mapped = map_memory(memory);
  return Scoreboard(std::move(memory), new (mapped) Layout);
}

Scoreboard Scoreboard::map(FileDescriptor memory) {
  auto* layout = static_cast<Layout*>(map_memory(memory));
  if (layout->layout_version != version || layout->row_size != sizeof(ScoreboardRow) ||
      layout->row_capacity != capacity) {
    ::munmap(layout, sizeof(Layout));
    throw std::runtime_error("the scoreboard has another layout than this version's");
  }
  return Scoreboard(std::move(memory), layout);
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

}  // namespace wsd::worker
