#include "protocol/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace wsd::protocol {

namespace {

constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> digit_values = [] {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);

  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;  // those not written yet, at the lower end
  unsigned bit_count = 0;
  for (const char character : text) {
    const std::uint8_t value = digit_values[static_cast<unsigned char>(character)];
    if (value == no_digit) return std::nullopt;
    bits = (bits << 6U | value) & 0xFFFU;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes += static_cast<char>(static_cast<unsigned char>(bits >> bit_count));
  }
  // One character and padding leave 6 bits, which are no byte: 4 and 2 are all that may be left.
  const std::uint32_t spare = bits & ((1U << bit_count) - 1);
  if (bit_count == 6 || spare != 0) return std::nullopt;
  return bytes;
}

}  // namespace wsd::protocol
