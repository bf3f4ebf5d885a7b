// The answer to a request that cannot become a WebSocket: a status and what to tell a person who reads it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpError {
  std::uint16_t status = 400;
  std::string text;                 // a sentence or two, without a line end; becomes the body
  std::vector<HttpHeader> headers;  // what this status needs besides: Allow, Upgrade, Retry-After
};

// A whole HTTP/1.1 response with Content-Length, after which the connection is to be closed, as it says.
[[nodiscard]] std::string serialize(const HttpError& error);

// RFC 9110 §15, for the statuses that are in use; others get "Error".
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status);

}  // namespace wsd::protocol
