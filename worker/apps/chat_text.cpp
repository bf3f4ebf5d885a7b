#include "worker/apps/chat_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

namespace wsd::chat {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

bool is_in(char32_t character, std::initializer_list<Range> ranges) {
  return std::ranges::any_of(ranges,
                             [character](Range range) { return character >= range.first && character <= range.last; });
}

bool is_space(char32_t character) {
  return is_in(character, {{' ', ' '},
                           {'\t', '\r'},
                           {0x85, 0x85},
                           {0xA0, 0xA0},
                           {0x1680, 0x1680},
                           {0x2000, 0x200A},
                           {0x2028, 0x2029},
                           {0x202F, 0x202F},
                           {0x205F, 0x205F},
                           {0x3000, 0x3000}});
}

bool is_control(char32_t character) {
  return is_in(character, {{0, 0x1F}, {0x7F, 0x9F}});
}

// Shows nothing, or changes how its neighbours show: with these a name could look like another one.
bool is_deceptive(char32_t character) {
  return is_control(character) || is_in(character, {{0xAD, 0xAD},
                                                    {0x61C, 0x61C},
                                                    {0x115F, 0x1160},
                                                    {0x180E, 0x180E},
                                                    {0x200B, 0x200B},
                                                    {0x200E, 0x200F},
                                                    {0x2028, 0x202E},
                                                    {0x2060, 0x206F},
                                                    {0x3164, 0x3164},
                                                    {0xFEFF, 0xFEFF},
                                                    {0xFFA0, 0xFFA0},
                                                    {0xFFF0, 0xFFFB},
                                                    {0xE0000, 0xE0FFF}});
}

// Has a meaning between others alone: joins what shows, or picks its form.
bool is_joiner(char32_t character) {
  return is_in(character, {{0x200C, 0x200D}, {0xFE00, 0xFE0F}});
}

bool shows(char32_t character) {
  return !is_space(character) && !is_deceptive(character) && !is_joiner(character);
}

bool is_letter_of_a_room(char32_t character) {
  const bool plain = is_in(character, {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'-', '.'}, {'_', '_'}});
  return plain || (character > 0x7F && !is_space(character) && !is_deceptive(character));
}

std::string utf8_of(std::u32string_view text) {
  std::string bytes;
  const auto add = [&bytes](char32_t byte) { bytes.push_back(static_cast<char>(byte)); };
  for (const char32_t character : text) {
    if (character < 0x80) {
      add(character);
    } else if (character < 0x800) {
      add(0xC0 | character >> 6);
      add(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
      add(0xE0 | character >> 12);
      add(0x80 | (character >> 6 & 0x3F));
      add(0x80 | (character & 0x3F));
    } else {
      add(0xF0 | character >> 18);
      add(0x80 | (character >> 12 & 0x3F));
      add(0x80 | (character >> 6 & 0x3F));
      add(0x80 | (character & 0x3F));
    }
  }
  return bytes;
}

// Takes one character from the front of `text`; nothing if that is no UTF-8.
std::optional<char32_t> take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  text.remove_prefix(1);
  if (first < 0x80) return first;
  if (first < 0xC2 || first > 0xF4) return std::nullopt;
  const std::size_t following = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  if (text.size() < following) return std::nullopt;
  char32_t character = first & (0x3FU >> following);
  for (const char byte : text.substr(0, following)) {
    if ((static_cast<unsigned char>(byte) & 0xC0U) != 0x80) return std::nullopt;
    character = character << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  text.remove_prefix(following);
  constexpr std::array<char32_t, 4> least{0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
  return character < least[following] || is_surrogate || character > 0x10FFFF ? std::nullopt : std::optional(character);
}

std::optional<unsigned> hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return std::nullopt;
}

// RFC 3986 §2.1.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text[0] != '%') {
      bytes.push_back(text[0]);
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return std::nullopt;
    const auto high = hexadecimal(text[1]);
    const auto low = hexadecimal(text[2]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<char>(*high << 4 | *low));
    text.remove_prefix(3);
  }
  return bytes;
}

bool is_room(std::string_view name) {
  if (name.empty() || name.size() > max_room_bytes || name == "." || name == "..") return false;
  const auto letters = characters(name);
  return letters && std::ranges::all_of(*letters, is_letter_of_a_room) && std::ranges::any_of(*letters, shows);
}

}  // namespace

std::optional<std::u32string> characters(std::string_view text) {
  std::u32string all;
  while (!text.empty()) {
    const auto character = take_character(text);
    if (!character) return std::nullopt;
    all.push_back(*character);
  }
  return all;
}

std::optional<std::string> name_from(std::string_view text) {
  const auto all = characters(text);
  if (!all) return std::nullopt;
  const auto begin = std::ranges::find_if_not(*all, is_space);
  const auto end = std::find_if_not(all->rbegin(), std::make_reverse_iterator(begin), is_space).base();
  const std::u32string_view name(begin, end);
  const bool is_one = !name.empty() && name.size() <= max_name && std::ranges::none_of(name, is_deceptive) &&
                      std::ranges::any_of(name, shows);
  return is_one ? std::optional(utf8_of(name)) : std::nullopt;
}

bool may_be_said(std::u32string_view text) {
  const auto is_refused = [](char32_t character) {
    return is_control(character) && character != '\n' && character != '\t';
  };
  return std::ranges::any_of(text, shows) && std::ranges::none_of(text, is_refused);
}

std::optional<std::string> room_of(std::string_view path) {
  if (path == "/") return "lobby";
  for (const std::string_view prefix : {"/chat/", "/danmaku/"}) {
    if (!path.starts_with(prefix)) continue;
    auto room = percent_decoded(path.substr(prefix.size()));
    return room && is_room(*room) ? room : std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    std::string value(pair.substr(equals + 1));
    std::ranges::replace(value, '+', ' ');
    return percent_decoded(value);
  }
  return std::nullopt;
}

}  // namespace wsd::chat
