#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wsd::load {

// SHA-1 of a whole string (RFC 3174). For Sec-WebSocket-Accept alone; written out so that the floor needs no library.
[[nodiscard]] std::array<std::uint8_t, 20> sha1(std::string_view text);

}  // namespace wsd::load
