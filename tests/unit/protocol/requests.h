// Requests for tests, and what becomes of them.

#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "protocol/http_request_parser.h"
#include "tests/unit/protocol/wire.h"

namespace wsd::protocol::test {

inline constexpr std::string_view plain_handshake =
    "GET /chat?room=1 HTTP/1.1\r\n"
    "Host: server.example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

// `request` with the first `from` in it replaced.
inline std::string with(std::string_view from, std::string_view to, std::string_view request = plain_handshake) {
  std::string result(request);
  const std::size_t at = result.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return result.replace(at, from.size(), to);
}

// With one more header line at the end.
inline std::string with_header(std::string_view line, std::string_view request = plain_handshake) {
  return std::string(request.substr(0, request.size() - 2)) + std::string(line) + "\r\n\r\n";
}

// The request that a whole head makes; a failure of the test if it is refused.
inline HttpRequest parsed(std::string_view head) {
  HttpRequestParser parser;
  auto input = std::as_bytes(std::span{head});
  if (parser.next(input) != HttpRequestParser::Step::complete) {
    ADD_FAILURE() << parser.error().text << "\n" << head;
    return {};
  }
  EXPECT_TRUE(input.empty());
  return parser.take();
}

}  // namespace wsd::protocol::test
