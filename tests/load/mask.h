#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wsd::load {

// RFC 6455 §5.3, with the key as it stands in the frame. Loops over words that the compiler makes vectors of; the copy
// and the change in place are two functions because bytes that may overlap would forbid that.
inline void mask_in_place(char* bytes, std::size_t size, std::uint32_t key) {
  const std::uint64_t wide_key = (std::uint64_t{key} << 32U) | key;
  const std::size_t words = size / 8;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + 8 * i, 8);
    word ^= wide_key;
    std::memcpy(bytes + 8 * i, &word, 8);
  }
  char rest[8] = {};
  std::memcpy(rest, &wide_key, 8);
  for (std::size_t at = 8 * words; at < size; ++at) bytes[at] = static_cast<char>(bytes[at] ^ rest[at % 8]);
}

inline void mask_copy(char* __restrict to, const char* __restrict from, std::size_t size, std::uint32_t key) {
  const std::uint64_t wide_key = (std::uint64_t{key} << 32U) | key;
  const std::size_t words = size / 8;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + 8 * i, 8);
    word ^= wide_key;
    std::memcpy(to + 8 * i, &word, 8);
  }
  char rest[8] = {};
  std::memcpy(rest, &wide_key, 8);
  for (std::size_t at = 8 * words; at < size; ++at) to[at] = static_cast<char>(from[at] ^ rest[at % 8]);
}

}  // namespace wsd::load
