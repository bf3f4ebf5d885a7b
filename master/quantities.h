// Sizes and durations as people write them: "64K", "1M", "1G" (powers of 1024) or bytes; "500ms", "10s", "5m", "1h",
// "1d" or seconds, with decimals.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::master {

// Nothing if the text is none, or more than the type can hold.
[[nodiscard]] std::optional<std::uint64_t> size_from(std::string_view text);
[[nodiscard]] std::optional<std::chrono::milliseconds> duration_from(std::string_view text);

// The shortest spelling that is exact: "1M", "1000", "10s", "1500ms".
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string duration_text(std::chrono::milliseconds time);

// "1 worker", "2 workers".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

// For tables: "512", "1.5K", "12.5M".
[[nodiscard]] std::string rounded_size_text(std::uint64_t bytes);

}  // namespace wsd::master
