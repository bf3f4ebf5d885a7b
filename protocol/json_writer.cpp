#include "protocol/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/utf8_sequence.h"

namespace wsd::protocol {

namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

void append_ascii(std::string& text, char character) {
  switch (character) {
    case '"':
      text += "\\\"";
      return;
    case '\\':
      text += "\\\\";
      return;
    case '\n':
      text += "\\n";
      return;
    case '\r':
      text += "\\r";
      return;
    case '\t':
      text += "\\t";
      return;
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  if (code < 0x20 || code == 0x7F) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += "\\u00";
    text += digits[code >> 4U];
    text += digits[code & 0xFU];
  } else {
    text += character;
  }
}

template <typename... Arguments>
void append_number(std::string& text, Arguments... arguments) {
  std::array<char, 32> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), arguments...);
  WSD_ASSERT(written.ec == std::errc());
  text.append(digits.data(), written.ptr);
}

// Neither a long row of zeros nor an exponent where a reader expects none.
std::chars_format format_for(double number) {
  const double size = std::abs(number);
  return size == 0 || (size >= 1e-4 && size < 1e16) ? std::chars_format::fixed : std::chars_format::scientific;
}

}  // namespace

void JsonWriter::key(std::string_view name) {
  WSD_ASSERT(!levels_.empty() && levels_.back().closing == '}' && !levels_.back().after_key);
  if (!std::exchange(levels_.back().empty, false)) text_ += ',';
  levels_.back().after_key = true;
  write_string(name);
  text_ += ':';
}

void JsonWriter::value(std::string_view text) {
  separate();
  write_string(text);
}

void JsonWriter::value(bool truth) {
  raw(truth ? "true" : "false");
}

void JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  append_number(text_, number, format_for(number));
}

void JsonWriter::null() {
  raw("null");
}

void JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
}

std::string JsonWriter::take() {
  WSD_ASSERT(levels_.empty() && !text_.empty());
  return std::exchange(text_, {});
}

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  levels_.push_back({bracket == '{' ? '}' : ']'});
}

void JsonWriter::close(char bracket) {
  WSD_ASSERT(!levels_.empty() && levels_.back().closing == bracket && !levels_.back().after_key);
  levels_.pop_back();
  text_ += bracket;
}

// Before each value: the comma of an array. In an object the key has seen to it.
void JsonWriter::separate() {
  if (levels_.empty()) {
    WSD_ASSERT(text_.empty());
    return;
  }
  Level& level = levels_.back();
  WSD_ASSERT(level.closing == ']' || level.after_key);
  level.after_key = false;
  if (level.closing == ']' && !std::exchange(level.empty, false)) text_ += ',';
}

void JsonWriter::write_signed(std::int64_t number) {
  separate();
  append_number(text_, number);
}

void JsonWriter::write_unsigned(std::uint64_t number) {
  separate();
  append_number(text_, number);
}

void JsonWriter::write_string(std::string_view text) {
  text_ += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) {
      text_ += replacement_character;
    } else if (length == 1) {
      append_ascii(text_, text.front());
    } else {
      text_ += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  text_ += '"';
}

}  // namespace wsd::protocol
