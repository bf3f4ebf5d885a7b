// Base64 as RFC 4648 §4 has it: with padding, without line ends.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/http_syntax.h"

namespace wsd::protocol {

// One of the 64, padding aside.
[[nodiscard]] constexpr bool is_base64_digit(char character) {
  return is_letter_or_digit(character) || character == '+' || character == '/';
}

// Nothing for any text that encoding would not have made: a wrong length or character, padding elsewhere than at the
// end, bits to spare that are not zero (§3.5), so that no two texts mean the same bytes.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace wsd::protocol
