// Numbers as wrk writes them, and as it reads them.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/wsbench/clock.h"

namespace wsd::bench {

// "635.91us", "1.20ms", "3.00s", "2.50m".
[[nodiscard]] std::string time_text(std::chrono::nanoseconds time);
// "56.20k", "1.33M": powers of 1000.
[[nodiscard]] std::string count_text(double count);
// "17.76GB", "606.33KB": powers of 1024.
[[nodiscard]] std::string size_text(double bytes);

// "10", "10k", "1.5M". Nothing if it is no whole number.
[[nodiscard]] std::optional<std::uint64_t> count_from(std::string_view text);
// "0.5", "10k".
[[nodiscard]] std::optional<double> rate_from(std::string_view text);
// "30", "30s", "500ms", "2m", "1h".
[[nodiscard]] std::optional<Seconds> duration_from(std::string_view text);

}  // namespace wsd::bench
