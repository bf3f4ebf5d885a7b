// A WebSocket frame's header (RFC 6455 §5.2): its fields, and how a server writes one.
//
// Not here: parsing (frame_parser.h), unmasking (mask.h). A server never masks what it sends (§5.1), so the serializer
// knows no masking key.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace wsd::protocol {

// §5.2, §11.8. The values are the four bits on the wire.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

// §5.5: control frames are those with the high bit of the opcode set.
constexpr bool is_control(Opcode opcode) {
  return (static_cast<std::uint8_t>(opcode) & 0x8U) != 0;
}

using MaskingKey = std::array<std::byte, 4>;

// One client frame's header, as read.
struct FrameHeader {
  bool fin = false;
  bool rsv1 = false;
  Opcode opcode = Opcode::continuation;
  MaskingKey masking_key{};
  std::uint64_t payload_length = 0;
};

// 2 bytes, 8 of extended length, 4 of masking key.
inline constexpr std::size_t max_client_header_size = 14;
// The same without a masking key.
inline constexpr std::size_t max_server_header_size = 10;
// §5.5: "All control frames MUST have a payload length of 125 bytes or less".
inline constexpr std::size_t max_control_payload = 125;

// How many bytes serialize_header() writes for a payload of this length.
constexpr std::size_t server_header_size(std::uint64_t payload_length) {
  if (payload_length <= 125) return 2;
  return payload_length <= 0xFFFF ? 4 : 10;
}

enum class Fin : bool { no = false, yes = true };
enum class Rsv1 : bool { no = false, yes = true };

// Writes the header of an unmasked frame to `out`, which must have room for server_header_size(payload_length) bytes,
// in the minimal encoding. Returns that size.
std::size_t serialize_header(Opcode opcode, std::uint64_t payload_length, std::byte* out, Fin fin = Fin::yes,
                             Rsv1 rsv1 = Rsv1::no);

}  // namespace wsd::protocol
