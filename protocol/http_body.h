// The body of one HTTP request, which must have a Content-Length: collected as it arrives, up to a limit.
//
// Owned by whoever reads the request; memory grows with what arrives, not with what is announced. Knows no clock.

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "protocol/http_error.h"
#include "protocol/http_request.h"

namespace wsd::protocol {

class HttpBody {
 public:
  // Of a request without one.
  HttpBody() = default;
  // Of the request with this head, at most `limit` bytes.
  HttpBody(const HttpRequest& head, std::size_t limit);

  // Why the body is not read, if it is not (RFC 9112 §6): then the connection has no use any more.
  [[nodiscard]] const std::optional<HttpError>& error() const { return error_; }
  // Whether the client waits for a 100 (Continue) before it sends the body (RFC 9110 §10.1.1).
  [[nodiscard]] bool wants_continue() const { return wants_continue_; }
  // Takes from the front of `input`. True once the body is whole.
  [[nodiscard]] bool take(std::span<const std::byte>& input);
  // What has arrived of it.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::size_t size_ = 0;
  std::string text_;
  std::optional<HttpError> error_;
  bool wants_continue_ = false;
};

}  // namespace wsd::protocol
