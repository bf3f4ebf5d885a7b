// The small grammar that HTTP header fields share (RFC 9110 §5.5, §5.6): tokens, lists, case, whitespace.

#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace wsd::protocol {

// ASCII's.
[[nodiscard]] constexpr bool is_letter_or_digit(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9');
}

// RFC 9110 §5.6.2, tchar. A table, and in the header, since the scanner of a request asks about every byte.
inline constexpr std::array<bool, 256> token_characters = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 128; ++i) table[i] = is_letter_or_digit(static_cast<char>(i));
  for (const char symbol : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(symbol)] = true;
  return table;
}();
[[nodiscard]] constexpr bool is_token_character(char character) {
  return token_characters[static_cast<unsigned char>(character)];
}
// One or more of them.
[[nodiscard]] bool is_token(std::string_view text);
// RFC 9110 §5.5: what may stand behind a header's colon: no control characters but the tab, so no line ends.
[[nodiscard]] constexpr bool is_field_value_character(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}
[[nodiscard]] bool is_field_value(std::string_view text);
// ASCII letters only, as HTTP has it.
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right);
// Without the spaces and tabs around it.
[[nodiscard]] std::string_view trim_whitespace(std::string_view text);

// Takes the next element from the front of a comma-separated list, trimmed; empty elements are passed over (RFC 9110
// §5.6.1.2). Returns an empty view at the list's end. Linear over the whole list; does not know quoted strings.
[[nodiscard]] std::string_view take_list_element(std::string_view& list);

}  // namespace wsd::protocol
