// Text for the width of a terminal: what --help prints.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wsd::protocol {

// Lines of at most so many bytes, broken at spaces, of which there is one between two words; a word that is longer has
// a line of its own. Line ends of the text stay.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t columns);

}  // namespace wsd::protocol
