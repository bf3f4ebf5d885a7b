// An HTTP request: the one that opened a connection (RFC 6455 §4.1), or one that App::on_request answers.

#pragma once

#include <string_view>

namespace wsd {

// Owned by the server. Its views live as long as the connection (in App::on_handshake and App::on_request: as long as
// the callback). Workerman: Workerman\Protocols\Http\Request. Header names are compared without case.
class Request {
 public:
  [[nodiscard]] virtual std::string_view method() const = 0;
  // The path of the request target, as sent (percent-encoding included): "/chat/room".
  [[nodiscard]] virtual std::string_view path() const = 0;
  // What follows the first '?', without it: "user=7&token=x". Empty if there is none.
  [[nodiscard]] virtual std::string_view query() const = 0;
  // The value of the first header field of this name, without surrounding blanks; empty if there is none.
  [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
  // What a plain HTTP request carries behind its headers. Empty for a handshake, which has no body. Workerman:
  // rawBody().
  [[nodiscard]] virtual std::string_view body() const = 0;
  // The peer's address without port: "192.0.2.7" or "2001:db8::7"; "unix:" for one that came over a unix socket.
  [[nodiscard]] virtual std::string_view remote_address() const = 0;

 protected:
  Request() = default;
  ~Request() = default;
  Request(const Request&) = default;
  Request(Request&&) = default;
  Request& operator=(const Request&) = default;
  Request& operator=(Request&&) = default;
};

}  // namespace wsd
