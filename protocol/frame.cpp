#include "protocol/frame.h"

namespace wsd::protocol {
namespace {

void put_big_endian(std::uint64_t value, std::size_t size, std::byte* out) {
  for (std::size_t left = size; left-- > 0;) *out++ = static_cast<std::byte>(value >> (8 * left));
}

}  // namespace

std::size_t serialize_header(Opcode opcode, std::uint64_t payload_length, std::byte* out, Fin fin, Rsv1 rsv1) {
  const auto flags = (fin == Fin::yes ? 0x80U : 0U) | (rsv1 == Rsv1::yes ? 0x40U : 0U);
  out[0] = static_cast<std::byte>(flags | static_cast<unsigned>(opcode));
  // §5.2: "the minimal number of bytes MUST be used to encode the length".
  const std::size_t size = server_header_size(payload_length);
  if (size == 2) {
    out[1] = static_cast<std::byte>(payload_length);
  } else {
    out[1] = size == 4 ? std::byte{126} : std::byte{127};
    put_big_endian(payload_length, size - 2, out + 2);
  }
  return size;
}

}  // namespace wsd::protocol
