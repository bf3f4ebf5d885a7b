// An answer to a plain HTTP request, or one that refuses a handshake, as an application or the API composed it.
//
// (What the server itself refuses on a WebSocket's port is an HttpError.)

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/http_error.h"

namespace wsd::protocol {

struct HttpResponse {
  std::uint16_t status = 200;
  std::vector<HttpHeader> headers;  // names are tokens and values field values (http_syntax.h), asserted
  std::string body;
};

// RFC 9110 §8.6, §15.3.5, §15.4.5: whether a response with this status may carry content.
[[nodiscard]] bool may_have_body(std::uint16_t status);

// What becomes of the connection behind the answer.
enum class Afterwards : std::uint8_t { close, keep_alive };

// Status line and headers with the blank line: Content-Length of the body, Connection: close if so, and a Content-Type
// of plain text for a body that has none.
[[nodiscard]] std::string serialize_head(const HttpResponse& response, Afterwards afterwards = Afterwards::close);

}  // namespace wsd::protocol
