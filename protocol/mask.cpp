#include "protocol/mask.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace wsd::protocol {
namespace {

template <typename Word>
void xor_word(std::byte* bytes, Word key) {
  Word word;
  std::memcpy(&word, bytes, sizeof(Word));
  word ^= key;
  std::memcpy(bytes, &word, sizeof(Word));
}

// Two turns of the key, so that any word-wise step leaves it where it was.
std::uint64_t doubled(MaskingKey key, std::size_t phase) {
  std::rotate(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(phase % 4), key.end());
  std::uint32_t word;
  std::memcpy(&word, key.data(), sizeof(word));
  return (std::uint64_t{word} << 32) | word;
}

}  // namespace

void unmask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase) {
  std::byte* next = bytes.data();
  std::size_t left = bytes.size();
  const std::uint64_t wide = doubled(key, phase);

  // Blocks of four words are what the compiler turns into vector instructions.
  for (; left >= 32; next += 32, left -= 32) {
    for (std::size_t word = 0; word < 4; ++word) xor_word(next + 8 * word, wide);
  }
  for (; left >= 8; next += 8, left -= 8) xor_word(next, wide);

  std::byte rest[8];
  std::memcpy(rest, &wide, sizeof(rest));
  for (std::size_t i = 0; i < left; ++i) next[i] ^= rest[i];
}

}  // namespace wsd::protocol
