// Untrusted text made fit to be looked at: what the log and the status page print.

#pragma once

#include <string>
#include <string_view>

namespace wsd::worker {

// \n, \r, \t and \e by name, other control characters (C1 ones too) and bytes that are no UTF-8 as \xNN. A backslash
// stays as it is, so that doing it twice changes nothing.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace wsd::worker
