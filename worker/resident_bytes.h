// How much of the machine's memory a process has.

#pragma once

#include <cstdint>

namespace wsd::worker {

// Resident memory, what it shares with others included. 0 if there is no such process, or it may not be looked at.
[[nodiscard]] std::uint64_t resident_bytes(std::uint64_t pid);

}  // namespace wsd::worker
