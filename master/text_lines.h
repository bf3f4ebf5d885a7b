// What a child has said, line by line.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wsd::master {

// Empty lines too; what follows the last newline is a line unless it is nothing.
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace wsd::master
