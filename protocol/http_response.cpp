#include "protocol/http_response.h"

#include <algorithm>

#include "protocol/assertion.h"
#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

void append_header(std::string& head, std::string_view name, std::string_view value) {
  // A line end in either would let its author write the rest of the response.
  WSD_ASSERT(is_token(name) && is_field_value(value));
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool may_have_body(std::uint16_t status) {
  return status >= 200 && status != 204 && status != 304;
}

std::string serialize_head(const HttpResponse& response, Afterwards afterwards) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(reason_phrase(response.status)).append("\r\n");
  const bool typed = std::ranges::any_of(
      response.headers, [](const HttpHeader& header) { return equal_ignoring_case(header.name, "Content-Type"); });
  if (may_have_body(response.status)) {
    if (!typed && !response.body.empty()) append_header(head, "Content-Type", "text/plain; charset=utf-8");
    append_header(head, "Content-Length", std::to_string(response.body.size()));
  }
  if (afterwards == Afterwards::close) append_header(head, "Connection", "close");
  for (const HttpHeader& header : response.headers) append_header(head, header.name, header.value);
  return head.append("\r\n");
}

}  // namespace wsd::protocol
