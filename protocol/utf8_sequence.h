// One character of UTF-8 at a time, for text that is shown or quoted rather than judged (utf8.h does that).

#pragma once

#include <cstddef>
#include <string_view>

namespace wsd::protocol {

// The length of the UTF-8 sequence that `text` starts with (RFC 3629: no overlong forms, no surrogates), or 0 if it
// starts with none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);

}  // namespace wsd::protocol
