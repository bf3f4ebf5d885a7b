// What we know of TOML ourselves: quoting, and two mistakes that toml++ 3.3 cannot be asked about.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wsd::master {

// In double quotes, with what TOML wants to be escaped.
[[nodiscard]] std::string toml_text(std::string_view text);

// As it is where TOML lets it, else in quotes.
[[nodiscard]] std::string toml_key(std::string_view key);

// The line of the first character outside of strings and comments that is not ASCII, where TOML has no place for it.
// (toml++ looks whether it is a blank, and runs into what it holds for unreachable where it is a letter like 'é'; so it
// does behind a backslash at the end of a line in a string.)
[[nodiscard]] std::optional<unsigned> line_of_stray_character(std::string_view text);

// The first line that begins a table and does not name it, as "[[[" does; 1 if there is none.
[[nodiscard]] unsigned line_of_unnamed_table(std::string_view text);

}  // namespace wsd::master
