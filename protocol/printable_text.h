// Untrusted text made fit to be looked at: what logs, pages and reports print.

#pragma once

#include <string>
#include <string_view>

namespace wsd::protocol {

// \n, \r, \t and \e by name, other control characters (C1 ones too) and bytes that are no UTF-8 as \xNN. A backslash
// stays as it is, so that doing it twice changes nothing.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace wsd::protocol
