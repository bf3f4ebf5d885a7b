// Lets hash tables with std::string keys be searched by view.

#pragma once

#include <functional>
#include <string_view>

namespace wsd::worker {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

}  // namespace wsd::worker
