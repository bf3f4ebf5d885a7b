#include "tests/wsbench/publication.h"

#include <array>

namespace wsd::bench {
namespace {

constexpr std::size_t letters = 26;
constexpr std::size_t publisher_digits = 4;
constexpr std::size_t number_digits = 10;
constexpr std::size_t time_digits = 16;
static_assert(smallest_publication == publisher_digits + number_digits + time_digits + 2);

void append_hexadecimal(std::string& text, std::uint64_t value, std::size_t digits) {
  for (std::size_t i = digits; i > 0; --i) text += "0123456789abcdef"[(value >> (4 * (i - 1))) & 0xFU];
}

constexpr auto digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(0xFF);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

// Takes so many digits off the front, which are there.
bool take_hexadecimal(std::string_view& text, std::size_t digits, std::uint64_t& value) {
  value = 0;
  for (const char digit : text.substr(0, digits)) {
    const std::uint8_t worth = digit_values[static_cast<unsigned char>(digit)];
    if (worth > 15) return false;
    value = (value << 4U) | worth;
  }
  text.remove_prefix(digits);
  return true;
}

}  // namespace

Publications::Publications(std::size_t largest) {
  while (filling_.size() < largest + letters) filling_ += static_cast<char>('a' + filling_.size() % letters);
}

void Publications::append(std::string& text, const Publication& publication) const {
  text += '"';
  append_hexadecimal(text, publication.publisher, publisher_digits);
  append_hexadecimal(text, publication.number, number_digits);
  append_hexadecimal(text, static_cast<std::uint64_t>(publication.sent_at.time_since_epoch().count()), time_digits);
  text += filling(publication.number, publication.size - smallest_publication);
  text += '"';
}

std::optional<Publication> Publications::take(std::string_view& text) {
  if (!last_text_.empty() && text.starts_with(last_text_)) {
    text.remove_prefix(last_text_.size());
    return last_;
  }
  const auto publication = read(text);
  if (!publication) return std::nullopt;
  last_ = *publication;
  last_text_ = text.substr(0, publication->size);
  text.remove_prefix(publication->size);
  return publication;
}

std::optional<Publication> Publications::read(std::string_view text) const {
  const auto end = text.starts_with('"') ? text.find('"', 1) : std::string_view::npos;
  if (end == std::string_view::npos || end + 1 < smallest_publication) return std::nullopt;
  std::string_view rest = text.substr(1, end - 1);
  std::uint64_t publisher = 0, sent_at = 0;
  Publication publication;
  publication.size = end + 1;
  if (!take_hexadecimal(rest, publisher_digits, publisher) ||
      !take_hexadecimal(rest, number_digits, publication.number) || !take_hexadecimal(rest, time_digits, sent_at)) {
    return std::nullopt;
  }
  if (rest.size() + letters > filling_.size() || rest != filling(publication.number, rest.size())) return std::nullopt;
  publication.publisher = static_cast<std::uint32_t>(publisher);
  publication.sent_at = Time(Clock::duration(static_cast<Clock::rep>(sent_at)));
  return publication;
}

std::string_view Publications::filling(std::uint64_t number, std::size_t size) const {
  return std::string_view(filling_).substr(number % letters, size);
}

}  // namespace wsd::bench
