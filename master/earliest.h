// The earlier of two deadlines that may not exist.

#pragma once

#include <algorithm>
#include <optional>

#include "master/supervision.h"

namespace wsd::master {

[[nodiscard]] inline std::optional<TimePoint> earliest(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace wsd::master
