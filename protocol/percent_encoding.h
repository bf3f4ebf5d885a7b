// Percent-encoding (RFC 3986 §2.1) undone, and the query of a form (WHATWG URL §5.1) taken apart.
//
// Text of a request's head: at most as long as that. What comes out may be any bytes.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

// Nothing if a percent sign is not followed by two hexadecimal digits. A plus stays a plus.
[[nodiscard]] std::optional<std::string> decode_percent(std::string_view text);

struct QueryParameter {
  std::string name;
  std::string value;
};

// Of "name=value&name=value", in their order; a plus is a space. Nothing if anything in it cannot be decoded.
[[nodiscard]] std::optional<std::vector<QueryParameter>> parse_query(std::string_view query);

}  // namespace wsd::protocol
