// What App::on_request answers to a plain HTTP request.

#pragma once

#include <cstdint>
#include <string_view>

namespace wsd {

// Owned by the server; lives as long as the callback. Sent when the callback returns, with its Content-Length, and then
// the connection is closed (Connection: close). A HEAD request gets the same answer without its body. Workerman:
// Response and $connection->send() of the http protocol.
class Response {
 public:
  // 200 to 599; 200 until it is called. Throws std::invalid_argument for another one.
  virtual void set_status(std::uint16_t status) = 0;
  // Throws std::invalid_argument for what is no header (a line end could smuggle in others) and for those that the
  // server writes: Connection, Upgrade, Content-Length, Transfer-Encoding. Without a Content-Type a body is plain text
  // in UTF-8.
  virtual void add_header(std::string_view name, std::string_view value) = 0;
  // Adds to the body. Dropped for statuses that have none (204, 304).
  virtual void write(std::string_view body) = 0;

 protected:
  Response() = default;
  ~Response() = default;
  Response(const Response&) = delete;
  Response(Response&&) = delete;
  Response& operator=(const Response&) = delete;
  Response& operator=(Response&&) = delete;
};

}  // namespace wsd
