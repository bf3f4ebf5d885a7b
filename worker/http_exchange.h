// A plain HTTP request on the WebSocket's port, and the application's answer to it.
//
// Its head is parsed already; this collects the body, which must have a Content-Length. Owned by the connection until
// the answer is given; knows no clock, the handshake's deadline bounds it.

#pragma once

#include <wsd/request.h>
#include <wsd/response.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/http_body.h"
#include "protocol/http_error.h"
#include "protocol/http_response.h"
#include "worker/client_request.h"
#include "worker/header_list.h"

namespace wsd::worker {

// What the application fills in.
class ResponseDraft final : public Response {
 public:
  void set_status(std::uint16_t status) override;
  void add_header(std::string_view name, std::string_view value) override { headers_.add(name, value); }
  void write(std::string_view body) override { response_.body += body; }

  // Once.
  [[nodiscard]] protocol::HttpResponse take();

 private:
  protocol::HttpResponse response_;
  HeaderList headers_;
};

class HttpExchange final : public Request {
 public:
  static constexpr std::size_t max_body_size = 64 * 1024;

  // `request` outlives it.
  explicit HttpExchange(const ClientRequest& request);

  // What is wrong with the request's head, if anything: then there is nothing more to do with it.
  [[nodiscard]] const std::optional<protocol::HttpError>& error() const { return error_; }
  // Whether the client waits for a 100 (Continue).
  [[nodiscard]] bool wants_continue() const { return body_.wants_continue(); }
  // Takes from the front of `input`. True once the body is whole.
  [[nodiscard]] bool take_body(std::span<std::byte>& input);
  // Head and body as far as they came: fed to another worker's connection, they bring it here.
  [[nodiscard]] std::vector<std::byte> unfinished_input() const;

  // ---- for applications
  [[nodiscard]] std::string_view method() const override { return request_.method(); }
  [[nodiscard]] std::string_view path() const override { return request_.path(); }
  [[nodiscard]] std::string_view query() const override { return request_.query(); }
  [[nodiscard]] std::string_view header(std::string_view name) const override { return request_.header(name); }
  [[nodiscard]] std::string_view body() const override { return body_.text(); }
  [[nodiscard]] std::string_view remote_address() const override { return request_.remote_address(); }

 private:
  const ClientRequest& request_;
  protocol::HttpBody body_;
  std::optional<protocol::HttpError> error_;
};

}  // namespace wsd::worker
