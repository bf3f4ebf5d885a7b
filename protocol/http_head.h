// Makes an HttpRequest of a whole head, by llhttp. The step inside HttpRequestParser that needs all bytes at once.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "protocol/http_request.h"

namespace wsd::protocol {

struct ParsedHead {
  HttpRequest request;       // empty if llhttp refuses
  std::string_view refusal;  // its reason, static
};

// `head`: from the method to the blank line, 65535 bytes at most, its lines checked by HttpRequestParser's scanner,
// which has found `header_count` headers in it.
[[nodiscard]] ParsedHead parse_head(std::span<const std::byte> head, std::size_t header_count);

}  // namespace wsd::protocol
