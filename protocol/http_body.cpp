#include "protocol/http_body.h"

#include <algorithm>
#include <charconv>

#include "protocol/http_syntax.h"

namespace wsd::protocol {

namespace {

std::optional<HttpError> measure(const HttpRequest& head, std::size_t limit, std::size_t& size) {
  if (head.header("Transfer-Encoding")) {
    return HttpError{411, "A request's body needs a Content-Length here; chunks are not read.", {}};
  }
  if (head.count("Content-Length") > 1) return HttpError{400, "The request has more than one Content-Length.", {}};
  const std::string_view text = head.header("Content-Length").value_or("0");
  const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return HttpError{400, "The Content-Length is no number.", {}};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (problem != std::errc() || size > limit) {
    return HttpError{413, "A request's body may have " + std::to_string(limit) + " bytes here.", {}};
  }
  return std::nullopt;
}

}  // namespace

HttpBody::HttpBody(const HttpRequest& head, std::size_t limit) : error_(measure(head, limit, size_)) {
  wants_continue_ = !error_ && size_ > 0 && head.minor_version() > 0 &&
                    equal_ignoring_case(head.header("Expect").value_or(""), "100-continue");
}

bool HttpBody::take(std::span<const std::byte>& input) {
  const std::size_t taken = std::min(size_ - text_.size(), input.size());
  text_.append(reinterpret_cast<const char*>(input.data()), taken);
  input = input.subspan(taken);
  return text_.size() == size_;
}

}  // namespace wsd::protocol
