#include "tests/load/sha1.h"

#include <bit>
#include <cstring>
#include <string>

namespace wsd::load {
namespace {

using State = std::array<std::uint32_t, 5>;

std::uint32_t big_endian(const unsigned char* bytes) {
  return (std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) | (std::uint32_t{bytes[2]} << 8U) |
         bytes[3];
}

// RFC 3174, section 6.1.
void add_block(State& state, const unsigned char* block) {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t t = 0; t < 16; ++t) w[t] = big_endian(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t) w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < 80; ++t) {
    std::uint32_t f = 0;
    if (t < 20) {
      f = ((b & c) | (~b & d)) + 0x5A827999U;
    } else if (t < 40) {
      f = (b ^ c ^ d) + 0x6ED9EBA1U;
    } else if (t < 60) {
      f = ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCU;
    } else {
      f = (b ^ c ^ d) + 0xCA62C1D6U;
    }
    const std::uint32_t next = std::rotl(a, 5) + f + e + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

// RFC 3174, section 4: a one bit, zeros, and the length in bits fill the last block.
std::string padded(std::string_view text) {
  std::string blocks(text);
  blocks.push_back('\x80');
  while (blocks.size() % 64 != 56) blocks.push_back('\0');
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (unsigned shift = 64; shift > 0; shift -= 8) blocks.push_back(static_cast<char>((bits >> (shift - 8)) & 0xFFU));
  return blocks;
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
  State state{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  const std::string blocks = padded(text);
  for (std::size_t at = 0; at < blocks.size(); at += 64) {
    std::array<unsigned char, 64> block{};
    std::memcpy(block.data(), blocks.data() + at, block.size());
    add_block(state, block.data());
  }
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace wsd::load
