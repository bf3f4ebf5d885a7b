// When the first of a desk's questions is due: all have the same patience and are numbered as they come.

#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "master/supervision.h"

namespace wsd::master {

template <typename Question>
[[nodiscard]] std::optional<TimePoint> first_deadline(const std::map<std::uint64_t, Question>& questions) {
  return questions.empty() ? std::nullopt : std::optional(questions.begin()->second.deadline);
}

}  // namespace wsd::master
