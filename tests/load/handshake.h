#pragma once

#include <string>
#include <string_view>

namespace wsd::load {

// The opening handshake (RFC 6455 §4) as far as both ends of a benchmark need it.

// The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (§4.2.2).
[[nodiscard]] std::string accept_for(std::string_view key);

// Sixteen random bytes in base64 (§4.1).
[[nodiscard]] std::string random_key();

// The value of a field in a request or response head, found in any case, without the blanks around it; else empty.
[[nodiscard]] std::string_view field(std::string_view head, std::string_view name);

[[nodiscard]] std::string upgrade_request(std::string_view host, std::string_view path, std::string_view key);
[[nodiscard]] std::string upgrade_response(std::string_view key);

// Whether `head` answers a request that carried `key` with 101 and all that §4.1 asks a client to check.
[[nodiscard]] bool accepts_upgrade(std::string_view head, std::string_view key);

}  // namespace wsd::load
