#include "protocol/printable_text.h"

#include "protocol/utf8_sequence.h"

namespace wsd::protocol {

namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool is_control(std::string_view sequence) {
  const unsigned first = byte_at(sequence, 0);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && byte_at(sequence, 1) < 0xA0;  // C1: U+0080 to U+009F
}

void append_escaped(std::string& result, unsigned byte) {
  switch (byte) {
    case '\n':
      result += "\\n";
      break;
    case '\r':
      result += "\\r";
      break;
    case '\t':
      result += "\\t";
      break;
    case 0x1B:
      result += "\\e";
      break;
    default:
      constexpr std::string_view digits = "0123456789abcdef";
      result.append("\\x").append({digits[byte >> 4U], digits[byte & 15U]});
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0 || is_control(text.substr(0, length))) {
      for (std::size_t i = 0; i < (length == 0 ? 1 : length); ++i) append_escaped(result, byte_at(text, i));
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace wsd::protocol
