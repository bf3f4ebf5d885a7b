#include "master/older_scoreboard.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::master {

namespace {

using worker::Counter;
using worker::MasterCounters;
using worker::Scoreboard;
using worker::ScoreboardRow;

// Version 1 had no more of a header than its first three fields.
Scoreboard::Header header_of_version_1(Scoreboard::Header header) {
  header.rows_offset = 128;
  header.folded_offset = 0;
  header.folded_capacity = 0;
  header.master_offset = 0;
  header.master_size = 0;
  return header;
}

bool lies_within(std::size_t size, std::size_t offset, std::size_t item, std::size_t count) {
  return offset % sizeof(Counter) == 0 && item % sizeof(Counter) == 0 && offset + item * count <= size;
}

bool is_sound(const Scoreboard::Header& header, std::size_t size) {
  return lies_within(size, header.rows_offset, header.row_size, header.row_capacity) &&
         lies_within(size, header.folded_offset, header.row_size, header.folded_capacity) &&
         lies_within(size, header.master_offset, header.master_size, 1) &&
         header.row_capacity <= Scoreboard::capacity && header.folded_capacity <= Scoreboard::slot_capacity;
}

}  // namespace

OlderScoreboard::OlderScoreboard(worker::FileDescriptor memory) : memory_(std::move(memory)) {
  struct stat status {};
  if (::fstat(memory_.get(), &status) != 0 || ::pread(memory_.get(), &header_, sizeof(header_), 0) != sizeof(header_)) {
    throw std::runtime_error("the scoreboard of the running server cannot be read");
  }
  size_ = static_cast<std::size_t>(status.st_size);
  if (header_.layout_version == 1) header_ = header_of_version_1(header_);
  if (header_.layout_version < 1 || header_.layout_version > Scoreboard::version || !is_sound(header_, size_)) {
    throw std::runtime_error("the scoreboard of the running server has a layout that this version does not know");
  }
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, memory_.get(), 0);
  if (mapped == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "the scoreboard could not be mapped");
  }
  bytes_ = static_cast<const std::byte*>(mapped);
}

OlderScoreboard::OlderScoreboard(OlderScoreboard&& other) noexcept
    : memory_(std::move(other.memory_)),
      header_(other.header_),
      size_(other.size_),
      bytes_(std::exchange(other.bytes_, nullptr)) {}

OlderScoreboard::~OlderScoreboard() {
  if (bytes_ != nullptr) ::munmap(const_cast<std::byte*>(bytes_), size_);
}

// All that there is are counters, one after the other.
template <typename Fields>
Fields OlderScoreboard::fields_at(std::size_t offset, std::size_t size) const {
  Fields fields;
  const auto* const from = reinterpret_cast<const Counter*>(bytes_ + offset);
  auto* const to = reinterpret_cast<Counter*>(&fields);
  std::copy_n(from, std::min(size, sizeof(Fields)) / sizeof(Counter), to);
  return fields;
}

ScoreboardRow OlderScoreboard::row(std::size_t index) const {
  WSD_ASSERT(index < header_.row_capacity);
  return fields_at<ScoreboardRow>(header_.rows_offset + index * header_.row_size, header_.row_size);
}

ScoreboardRow OlderScoreboard::folded(std::uint16_t slot) const {
  WSD_ASSERT(slot < header_.folded_capacity);
  return fields_at<ScoreboardRow>(header_.folded_offset + std::size_t{slot} * header_.row_size, header_.row_size);
}

MasterCounters OlderScoreboard::master() const {
  return fields_at<MasterCounters>(header_.master_offset, header_.master_size);
}

}  // namespace wsd::master
