// A scoreboard whose layout is not this binary's. Workers that an earlier binary spawned write on it until they are
// gone; here it is only read (ledger.h).
//
// Rows have their fields in the same order in every version, so an older one's are a beginning of ours: what it does
// not have is 0. Owned by the ledger.

#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/file_descriptor.h"
#include "worker/scoreboard.h"

namespace wsd::master {

class OlderScoreboard {
 public:
  // Throws std::system_error, or std::runtime_error if this is no scoreboard or one of a version that is not known.
  explicit OlderScoreboard(worker::FileDescriptor memory);
  OlderScoreboard(OlderScoreboard&& other) noexcept;
  OlderScoreboard& operator=(OlderScoreboard&&) = delete;
  ~OlderScoreboard();

  [[nodiscard]] int descriptor() const { return memory_.get(); }
  [[nodiscard]] std::size_t capacity() const { return header_.row_capacity; }
  [[nodiscard]] worker::ScoreboardRow row(std::size_t index) const;
  // What processes of a slot that are gone had counted. Version 1 had no such totals.
  [[nodiscard]] std::size_t folded_capacity() const { return header_.folded_capacity; }
  [[nodiscard]] worker::ScoreboardRow folded(std::uint16_t slot) const;
  [[nodiscard]] worker::MasterCounters master() const;

 private:
  template <typename Fields>
  [[nodiscard]] Fields fields_at(std::size_t offset, std::size_t size) const;

  worker::FileDescriptor memory_;
  worker::Scoreboard::Header header_;
  std::size_t size_ = 0;
  const std::byte* bytes_ = nullptr;
};

}  // namespace wsd::master
