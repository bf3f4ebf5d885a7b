#include "protocol/frame_parser.h"

#include <algorithm>

namespace wsd::protocol {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t rsv1_bit = 0x40;
constexpr std::uint8_t rsv2_and_rsv3_bits = 0x30;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7F;

constexpr bool is_known(std::uint8_t opcode) {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

// Everything that the first byte shows.
constexpr ProtocolError check_first_byte(std::uint8_t byte) {
  const std::uint8_t opcode = byte & 0x0F;
  // No extension of ours uses RSV2 or RSV3. RSV1 may mark a message as compressed, on its first frame alone (RFC 7692
  // §6, §6.1: never on a control frame or a continuation).
  if ((byte & rsv2_and_rsv3_bits) != 0) return ProtocolError::reserved_bits_set;
  if (!is_known(opcode)) return ProtocolError::unknown_opcode;
  const bool starts_message = opcode == 0x1 || opcode == 0x2;
  if ((byte & rsv1_bit) != 0 && !starts_message) return ProtocolError::reserved_bits_set;
  if (is_control(Opcode{opcode}) && (byte & fin_bit) == 0) return ProtocolError::control_frame_fragmented;
  return ProtocolError::none;
}

// The same for all of them, since it is asked of every frame.
constexpr auto first_byte_verdicts = [] {
  std::array<ProtocolError, 256> verdicts{};
  for (std::size_t byte = 0; byte < verdicts.size(); ++byte) {
    verdicts[byte] = check_first_byte(static_cast<std::uint8_t>(byte));
  }
  return verdicts;
}();

ProtocolError check_second_byte(Opcode opcode, std::uint8_t byte) {
  if ((byte & mask_bit) == 0) return ProtocolError::frame_not_masked;
  if (is_control(opcode) && (byte & length_bits) > max_control_payload) return ProtocolError::control_frame_too_long;
  return ProtocolError::none;
}

ProtocolError check_extended_length(std::uint64_t length, std::size_t size) {
  if (length >> 63 != 0) return ProtocolError::payload_length_too_large;
  const bool minimal = size == 2 ? length > 125 : length > 0xFFFF;
  return minimal ? ProtocolError::none : ProtocolError::payload_length_not_minimal;
}

std::uint64_t get_big_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes) value = (value << 8) | static_cast<std::uint8_t>(byte);
  return value;
}

// §5.2: 126 and 127 in the seven bits of length announce 2 and 8 bytes of it.
std::size_t extended_length_size(std::uint8_t length) {
  if (length < 126) return 0;
  return length == 126 ? 2 : 8;
}

}  // namespace

FrameParser::Step FrameParser::next(std::span<std::byte>& input) {
  if (error_ != ProtocolError::none) return Step::failed;
  if (carry_size_ != 0) return next_carried(input);
  const std::size_t size = parse(input);
  if (size == 0) return carry(input);
  input = input.subspan(size);
  return Step::header;
}

// The carry has room for any header, so what does not make one of it is not yet a whole one.
FrameParser::Step FrameParser::next_carried(std::span<std::byte>& input) {
  const auto added = input.first(std::min(input.size(), carry_.size() - carry_size_));
  std::ranges::copy(added, carry_.begin() + carry_size_);
  const std::size_t size = parse(std::span{carry_}.first(carry_size_ + added.size()));
  if (size == 0) return carry(input);
  input = input.subspan(size - carry_size_);
  carry_size_ = 0;
  return Step::header;
}

FrameParser::Step FrameParser::carry(std::span<std::byte>& input) {
  if (error_ != ProtocolError::none) return Step::failed;
  std::ranges::copy(input, carry_.begin() + carry_size_);
  carry_size_ = static_cast<std::uint8_t>(carry_size_ + input.size());
  input = {};
  return Step::need_more;
}

// Looks without changing anything but the outcome: header_ when the whole header is there, error_ as soon as what is
// there shows a violation. Returns the header's size, or 0.
[[gnu::flatten]] std::size_t FrameParser::parse(std::span<const std::byte> bytes) {
  const auto violates = [this](ProtocolError error) {
    error_ = error;
    return error != ProtocolError::none;
  };
  if (bytes.empty()) return 0;
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  if (violates(first_byte_verdicts[first])) return 0;
  if (bytes.size() < 2) return 0;
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  const Opcode opcode{static_cast<std::uint8_t>(first & 0x0F)};
  if (violates(check_second_byte(opcode, second))) return 0;

  std::uint64_t length = second & length_bits;
  const std::size_t extended = extended_length_size(second & length_bits);
  if (bytes.size() < 2 + extended) return 0;
  if (extended != 0) {
    length = get_big_endian(bytes.subspan(2, extended));
    if (violates(check_extended_length(length, extended))) return 0;
  }

  MaskingKey masking_key;
  const std::size_t size = 2 + extended + masking_key.size();
  if (bytes.size() < size) return 0;
  std::ranges::copy(bytes.subspan(2 + extended, masking_key.size()), masking_key.begin());
  // Now that nothing more is read of `bytes`, which may be the carry in the same place.
  header_ = {.fin = (first & fin_bit) != 0,
             .rsv1 = (first & rsv1_bit) != 0,
             .opcode = opcode,
             .masking_key = masking_key,
             .payload_length = length};
  return size;
}

}  // namespace wsd::protocol
