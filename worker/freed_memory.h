// When memory that clients have left behind is to go back to the system.
//
// malloc keeps what is freed for the next client (worker_process.cpp says why), which is right for most of it. But a
// crowd whose streams of permessage-deflate take 300 KiB each may be gone for good, and others want the machine's
// memory. Knows no clock and gives nothing back itself.

#pragma once

#include <cstddef>
#include <cstdint>

namespace wsd::worker {

class FreedMemory {
 public:
  // Less than this is not worth a look at all that is free, and neither is a look sooner than this after the last one.
  static constexpr std::size_t worth_while = std::size_t{4} << 20;
  static constexpr std::uint64_t pause_ms = 1000;

  void add(std::size_t bytes) { bytes_ += bytes; }

  // Now and then. True if all that is free is to be given back now.
  [[nodiscard]] bool take_due(std::uint64_t now_ms) {
    if (bytes_ < worth_while || now_ms < next_ms_) return false;
    bytes_ = 0;
    next_ms_ = now_ms + pause_ms;
    return true;
  }

 private:
  std::size_t bytes_ = 0;
  std::uint64_t next_ms_ = 0;
};

}  // namespace wsd::worker
