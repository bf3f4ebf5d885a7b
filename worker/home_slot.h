// Which slot is a channel's home.

#pragma once

#include <cstdint>
#include <string_view>

namespace wsd::worker {

// A number from 0 to homes - 1, the same for every process and release. When `homes` shrinks, only the channels of the
// slots that are no homes any more move (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm").
[[nodiscard]] std::uint16_t home_slot(std::string_view channel, std::uint32_t homes);

}  // namespace wsd::worker
