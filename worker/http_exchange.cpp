#include "worker/http_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "protocol/http_syntax.h"

namespace wsd::worker {

namespace {

using protocol::HttpError;

// RFC 9112 §6: how long the body is, or why we do not read it.
std::optional<HttpError> measure_body(const protocol::HttpRequest& head, std::size_t& size) {
  if (head.header("Transfer-Encoding")) {
    return HttpError{411, "A request's body needs a Content-Length here; chunks are not read.", {}};
  }
  if (head.count("Content-Length") > 1) return HttpError{400, "The request has more than one Content-Length.", {}};
  const std::string_view text = head.header("Content-Length").value_or("0");
  const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return HttpError{400, "The Content-Length is no number.", {}};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (problem != std::errc() || size > HttpExchange::max_body_size) {
    return HttpError{413, "A request's body may have 64 KiB here.", {}};
  }
  return std::nullopt;
}

}  // namespace

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

HttpExchange::HttpExchange(const ClientRequest& request) : request_(request) {
  // RFC 9112 §3.2.
  if (request.head().count("Host") != 1) {
    error_ = HttpError{400, "A request has one Host header.", {}};
  } else {
    error_ = measure_body(request.head(), size_);
  }
}

bool HttpExchange::wants_continue() const {
  return size_ > 0 && protocol::equal_ignoring_case(request_.header("Expect"), "100-continue");
}

bool HttpExchange::take_body(std::span<std::byte>& input) {
  const std::size_t taken = std::min(size_ - body_.size(), input.size());
  body_.append(reinterpret_cast<const char*>(input.data()), taken);
  input = input.subspan(taken);
  return body_.size() == size_;
}

std::vector<std::byte> HttpExchange::unfinished_input() const {
  const auto head = request_.head().raw();
  const auto body = std::as_bytes(std::span(body_));
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

}  // namespace wsd::worker
