// Records one behind the other, each behind its length (u32): on a stream between two workers, and where a worker keeps
// many in one piece.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wsd::worker {

void append_record(std::vector<std::byte>& stream, std::span<const std::byte> record);

// What the stream says of the record it begins with; 0 if it does not say so much yet.
[[nodiscard]] std::uint32_t next_record_size(std::span<const std::byte> stream);

// Takes that record from the front, in the bytes of the stream; nothing if it is not whole.
[[nodiscard]] std::optional<std::span<const std::byte>> take_record(std::span<const std::byte>& stream);

}  // namespace wsd::worker
