#include "tests/wsbench/handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/accept_key.h"
#include "protocol/http_syntax.h"
#include "tests/wsbench/random.h"

namespace wsd::bench {

namespace {

using protocol::equal_ignoring_case;
using protocol::trim_whitespace;

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string_view first_line(std::string_view head) {
  return head.substr(0, head.find("\r\n"));
}

bool has_element(std::string_view list, std::string_view wanted) {
  for (std::string_view element = protocol::take_list_element(list); !element.empty();
       element = protocol::take_list_element(list)) {
    if (equal_ignoring_case(element, wanted)) return true;
  }
  return false;
}

}  // namespace

HandshakeKey random_key() {
  static Random random = Random::from_system();
  HandshakeKey key;
  key.fill('=');
  std::generate_n(key.begin(), 21, [] { return base64_digits[random.below(64)]; });
  key[21] = base64_digits[random.below(4) * 16];  // the last two bits of sixteen bytes
  return key;
}

HandshakeRequest::HandshakeRequest(const Url& url, const std::vector<std::string>& headers)
    : text_(fmt::format("GET {} HTTP/1.1\r\n", url.path)) {
  const auto is_given = [&headers](std::string_view name) {
    return std::any_of(headers.begin(), headers.end(), [name](const std::string& header) {
      return equal_ignoring_case(trim_whitespace(std::string_view(header).substr(0, header.find(':'))), name);
    });
  };
  if (!is_given("Host")) text_ += fmt::format("Host: {}\r\n", url.authority());
  text_ += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  for (const std::string& header : headers) text_.append(header).append("\r\n");
  text_ += "Sec-WebSocket-Key: ";
  key_at_ = text_.size();
  text_.append(std::tuple_size_v<HandshakeKey>, '=').append("\r\n\r\n");
}

std::string_view HandshakeRequest::with(const HandshakeKey& key) {
  std::copy(key.begin(), key.end(), text_.begin() + static_cast<std::ptrdiff_t>(key_at_));
  return text_;
}

std::optional<std::string> problem_with_response(std::string_view head, const HandshakeKey& key) {
  const std::string_view status = first_line(head);
  if (!status.starts_with("HTTP/1.1 101")) return fmt::format("the server answered \"{}\"", status.substr(0, 80));
  if (!equal_ignoring_case(field(head, "Upgrade"), "websocket")) return "the answer has no Upgrade: websocket";
  if (!has_element(field(head, "Connection"), "upgrade")) return "the answer has no Connection: Upgrade";
  const protocol::AcceptKey accept = protocol::accept_key({key.data(), key.size()});
  if (field(head, "Sec-WebSocket-Accept") != std::string_view(accept.data(), accept.size())) {
    return "the answer's Sec-WebSocket-Accept is not that of the key";
  }
  return std::nullopt;
}

std::optional<std::string> problem_with_subprotocol(std::string_view head, const std::vector<std::string>& offered) {
  const std::string_view chosen = field(head, "Sec-WebSocket-Protocol");
  if (chosen.empty()) {
    if (offered.empty()) return std::nullopt;
    return "the server chose none of the subprotocols";
  }
  if (std::find(offered.begin(), offered.end(), chosen) != offered.end()) return std::nullopt;
  return fmt::format("the server chose the subprotocol {}, which was not offered", chosen);
}

std::string_view field(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::string_view line = first_line(head);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name)) {
      return trim_whitespace(line.substr(colon + 1));
    }
    head.remove_prefix(std::min(line.size() + 2, head.size()));
  }
  return {};
}

}  // namespace wsd::bench
