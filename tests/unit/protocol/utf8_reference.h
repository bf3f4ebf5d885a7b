// UTF-8 by its definition (RFC 3629 §3), slow and plain: the code points that a beginning can still become.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wsd::protocol::test {

enum class Verdict { valid, unfinished, invalid };

struct CodePoints {
  std::uint32_t lowest;
  std::uint32_t highest;
};

inline bool any_is_allowed(CodePoints range, std::uint32_t shortest_form) {
  if (range.highest < shortest_form || range.lowest > 0x10FFFF) return false;
  const bool all_surrogates = range.lowest >= 0xD800 && range.highest <= 0xDFFF;
  return !all_surrogates;
}

// Takes one character from the front of `text`.
inline Verdict take_character(std::span<const std::byte>& text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint32_t>(text[i]); };
  const std::uint32_t lead = byte_at(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 0;
  if (size == 0) return Verdict::invalid;
  constexpr std::uint32_t shortest_form[] = {0, 0, 0x80, 0x800, 0x10000};
  CodePoints range{};
  range.lowest = size == 1 ? lead : lead & (0x7FU >> size);
  range.highest = range.lowest;
  for (std::size_t i = 1; i < size; ++i) {
    const bool arrived = i < text.size();
    if (arrived && (byte_at(i) & 0xC0) != 0x80) return Verdict::invalid;
    range.lowest = range.lowest << 6 | (arrived ? byte_at(i) & 0x3F : 0U);
    range.highest = range.highest << 6 | (arrived ? byte_at(i) & 0x3F : 0x3FU);
  }
  if (!any_is_allowed(range, shortest_form[size])) return Verdict::invalid;
  if (text.size() < size) return Verdict::unfinished;
  text = text.subspan(size);
  return Verdict::valid;
}

inline Verdict reference_verdict(std::span<const std::byte> text) {
  while (!text.empty()) {
    const Verdict verdict = take_character(text);
    if (verdict != Verdict::valid) return verdict;
  }
  return Verdict::valid;
}

}  // namespace wsd::protocol::test
