#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::load {

// Frames as a client sends them (RFC 6455 §5.2): masked.

inline constexpr std::uint8_t continuation_opcode = 0x0;
inline constexpr std::uint8_t text_opcode = 0x1;
inline constexpr std::uint8_t binary_opcode = 0x2;
inline constexpr std::uint8_t close_opcode = 0x8;
inline constexpr std::uint8_t ping_opcode = 0x9;
inline constexpr std::uint8_t pong_opcode = 0xA;
inline constexpr std::string_view normal_closure{"\x03\xE8", 2};  // 1000, a Close frame's payload

// A frame's header without its masking key.
[[nodiscard]] std::string client_header(std::uint8_t opcode, std::size_t size, bool is_final = true);

// A whole frame, with a random masking key.
[[nodiscard]] std::string masked_frame(std::uint8_t opcode, std::string_view payload, bool is_final = true);

}  // namespace wsd::load
