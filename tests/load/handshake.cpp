#include "tests/load/handshake.h"

#include <strings.h>

#include <algorithm>
#include <cstdint>
#include <random>

#include "tests/load/sha1.h"

namespace wsd::load {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

template <typename Bytes>
std::string base64(const Bytes& bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = (group << 8U) | (at + i < bytes.size() ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      const bool is_padding = at + i > bytes.size();
      text.push_back(is_padding ? '=' : alphabet[(group >> (18 - 6 * i)) & 0x3FU]);
    }
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string accept_for(std::string_view key) {
  return base64(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

std::string random_key() {
  static std::mt19937 random{std::random_device{}()};
  std::array<std::uint8_t, 16> nonce{};
  std::generate(nonce.begin(), nonce.end(), [] { return static_cast<std::uint8_t>(random()); });
  return base64(nonce);
}

std::string_view field(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name)) {
      return trimmed(line.substr(colon + 1));
    }
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return {};
}

std::string upgrade_request(std::string_view host, std::string_view path, std::string_view key) {
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  request.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ").append(key);
  return request.append("\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

std::string upgrade_response(std::string_view key) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         accept_for(key) + "\r\n\r\n";
}

bool accepts_upgrade(std::string_view head, std::string_view key) {
  return head.starts_with("HTTP/1.1 101 ") && equals_ignoring_case(field(head, "Upgrade"), "websocket") &&
         equals_ignoring_case(field(head, "Connection"), "upgrade") &&
         field(head, "Sec-WebSocket-Accept") == accept_for(key);
}

}  // namespace wsd::load
