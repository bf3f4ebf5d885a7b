// What every fuzz target does with its input: the first byte seeds how the rest is cut into pieces, the second is the
// target's own option, and the rest is what a client would send.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <vector>

// Stays on in every build, and names its place.
#define FUZZ_ASSERT(condition)                                                              \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      std::fprintf(stderr, "broken promise: %s (%s:%d)\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)

namespace wsd::fuzz {

using Bytes = std::vector<std::byte>;
// Each piece is a heap block of its own, so that the sanitizer sees a step outside it.
using Pieces = std::vector<Bytes>;

struct Input {
  std::uint8_t seed = 0;
  std::uint8_t option = 0;
  std::span<const std::byte> wire;

  Input(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return;
    seed = data[0];
    option = data[1];
    wire = std::as_bytes(std::span(data + 2, size - 2));
  }
};

inline Pieces whole(std::span<const std::byte> wire) {
  return {Bytes(wire.begin(), wire.end())};
}

inline Pieces cut(std::span<const std::byte> wire, std::size_t longest, std::uint8_t seed) {
  std::minstd_rand random(seed + 1U);
  Pieces pieces;
  while (!wire.empty()) {
    const std::size_t size = std::min(1 + random() % longest, wire.size());
    pieces.emplace_back(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size));
    wire = wire.subspan(size);
  }
  return pieces;
}

inline Pieces byte_by_byte(std::span<const std::byte> wire) {
  return cut(wire, 1, 0);
}

// Whatever `run` makes of the bytes, it makes of them in any pieces.
template <typename Run>
auto same_for_any_chunking(const Input& input, const Run& run) {
  const auto expected = run(whole(input.wire));
  FUZZ_ASSERT(run(cut(input.wire, 20, input.seed)) == expected);
  FUZZ_ASSERT(run(byte_by_byte(input.wire)) == expected);
  return expected;
}

}  // namespace wsd::fuzz
