// The opening handshake's proof that the server understood it (RFC 6455 §1.3, §4.2.2 step 5.4).

#pragma once

#include <array>
#include <string_view>

namespace wsd::protocol {

// The base64 of a SHA-1 digest.
using AcceptKey = std::array<char, 28>;

// `key`: the value of Sec-WebSocket-Key, as the client wrote it.
[[nodiscard]] AcceptKey accept_key(std::string_view key);

// §4.2.1 point 5: base64 that decodes to exactly 16 bytes (RFC 4648 §4, with padding).
[[nodiscard]] bool is_valid_key(std::string_view key);

}  // namespace wsd::protocol
