#include "worker/http_exchange.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace wsd::worker {

void ResponseDraft::set_status(std::uint16_t status) {
  if (status < 200 || status > 599) {
    throw std::invalid_argument(fmt::format("a request is answered with a status from 200 to 599, not {}", status));
  }
  response_.status = status;
}

protocol::HttpResponse ResponseDraft::take() {
  response_.headers = headers_.headers();
  return std::move(response_);
}

HttpExchange::HttpExchange(const ClientRequest& request)
    : request_(request), body_(request.head(), max_body_size), error_(body_.error()) {
  // RFC 9112 §3.2.
  if (request.head().count("Host") != 1) error_ = protocol::HttpError{400, "A request has one Host header.", {}};
}

bool HttpExchange::take_body(std::span<std::byte>& input) {
  std::span<const std::byte> rest = input;
  const bool whole = body_.take(rest);
  input = input.last(rest.size());
  return whole;
}

std::vector<std::byte> HttpExchange::unfinished_input() const {
  const auto head = request_.head().raw();
  const auto body = std::as_bytes(std::span(body_.text()));
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

}  // namespace wsd::worker
