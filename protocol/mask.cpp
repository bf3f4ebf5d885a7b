#include "protocol/mask.h"

#include <bit>
#include <cstring>

#include "protocol/assertion.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wsd::protocol {
namespace {

// The key twice: for any word-wise step, it begins with the byte that the word's first one wants.
using Key = std::uint64_t;

constexpr std::uint64_t high_bits = 0x8080808080808080;

template <typename Word>
Word load(const std::byte* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(Word));
  return word;
}

template <typename Word>
void store(std::byte* bytes, Word word) {
  std::memcpy(bytes, &word, sizeof(Word));
}

// As it fits `size` bytes further on.
Key turned(Key key, std::size_t size) {
  const auto bits = static_cast<int>(size % 4 * 8);
  return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

Key wide_key(MaskingKey key, std::size_t phase) {
  const auto word = load<std::uint32_t>(key.data());
  return turned((Key{word} << 32) | word, phase);
}

// Each of these returns the bits that any of its bytes has.

std::uint64_t unmask_few(std::span<std::byte> bytes, Key key) {
  std::byte rest[8];
  store(rest, key);
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= rest[i];
    seen |= static_cast<std::uint8_t>(bytes[i]);
  }
  return seen;
}

std::uint64_t unmask_words(std::span<std::byte> bytes, Key key) {
  constexpr std::size_t size = sizeof(Key);
  if (bytes.size() < size) return unmask_few(bytes, key);
  // The last word is taken before, and stored behind, the one that it overlaps.
  std::byte* const last = bytes.data() + bytes.size() - size;
  const std::uint64_t last_word = load<std::uint64_t>(last) ^ turned(key, bytes.size());
  std::uint64_t seen = last_word;
  const auto step = [&](std::byte* at) {
    const std::uint64_t word = load<std::uint64_t>(at) ^ key;
    store(at, word);
    seen |= word;
  };
  std::byte* next = bytes.data();
  // Blocks of four words are what the compiler turns into vector instructions.
  for (; last - next >= std::ptrdiff_t{4 * size}; next += 4 * size) {
    for (std::size_t word = 0; word < 4; ++word) step(next + word * size);
  }
  for (; next < last; next += size) step(next);
  store(last, last_word);
  return seen;
}

#if defined(__x86_64__)

constexpr std::size_t vector_size = sizeof(__m256i);

__attribute__((target("avx2"))) std::uint64_t unmask_vectors(std::span<std::byte> bytes, Key key) {
  if (bytes.size() < vector_size) return unmask_words(bytes, key);
  const auto unaligned = [](std::byte* at) { return reinterpret_cast<__m256i_u*>(at); };
  const auto keys_behind = [key](std::size_t size) __attribute__((target("avx2"))) {
    return _mm256_set1_epi64x(static_cast<long long>(turned(key, size)));
  };
  // Between the first and the last vector the others lie at boundaries: a store across two cache lines takes twice the
  // time. Where they overlap both store the same.
  std::byte* const begin = bytes.data();
  std::byte* const last = begin + bytes.size() - vector_size;
  const __m256i first_vector = _mm256_xor_si256(_mm256_loadu_si256(unaligned(begin)), keys_behind(0));
  const __m256i last_vector = _mm256_xor_si256(_mm256_loadu_si256(unaligned(last)), keys_behind(bytes.size()));
  __m256i seen = _mm256_or_si256(first_vector, last_vector);

  std::byte* next = begin + (vector_size - reinterpret_cast<std::uintptr_t>(begin) % vector_size);
  const __m256i keys = keys_behind(static_cast<std::size_t>(next - begin));
  for (; last - next >= std::ptrdiff_t{4 * vector_size}; next += 4 * vector_size) {
    auto* const vectors = reinterpret_cast<__m256i*>(next);
    const __m256i a = _mm256_xor_si256(_mm256_load_si256(vectors), keys);
    const __m256i b = _mm256_xor_si256(_mm256_load_si256(vectors + 1), keys);
    const __m256i c = _mm256_xor_si256(_mm256_load_si256(vectors + 2), keys);
    const __m256i d = _mm256_xor_si256(_mm256_load_si256(vectors + 3), keys);
    _mm256_store_si256(vectors, a);
    _mm256_store_si256(vectors + 1, b);
    _mm256_store_si256(vectors + 2, c);
    _mm256_store_si256(vectors + 3, d);
    seen = _mm256_or_si256(seen, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
  }
  for (; next < last; next += vector_size) {
    auto* const vector = reinterpret_cast<__m256i*>(next);
    const __m256i a = _mm256_xor_si256(_mm256_load_si256(vector), keys);
    _mm256_store_si256(vector, a);
    seen = _mm256_or_si256(seen, a);
  }
  _mm256_storeu_si256(unaligned(begin), first_vector);
  _mm256_storeu_si256(unaligned(last), last_vector);
  return _mm256_movemask_epi8(seen) == 0 ? 0 : high_bits;
}

#endif

// Below this the words are done before the vectors have begun.
constexpr std::size_t worth_vectors = 128;

Ascii ascii_unless(std::uint64_t bits) {
  return (bits & high_bits) == 0 ? Ascii::yes : Ascii::no;
}

}  // namespace

bool is_supported(MaskCode code) {
#if defined(__x86_64__)
  if (code == MaskCode::avx2) return __builtin_cpu_supports("avx2") != 0;
#endif
  return code == MaskCode::portable;
}

Ascii unmask_with(MaskCode code, std::span<std::byte> bytes, MaskingKey key, std::size_t phase) {
  WSD_ASSERT(is_supported(code));
  const Key wide = wide_key(key, phase);
#if defined(__x86_64__)
  if (code == MaskCode::avx2) return ascii_unless(unmask_vectors(bytes, wide));
#endif
  return ascii_unless(unmask_words(bytes, wide));
}

Ascii unmask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase) {
  const bool long_enough = bytes.size() >= worth_vectors;
  return unmask_with(long_enough && is_supported(MaskCode::avx2) ? MaskCode::avx2 : MaskCode::portable, bytes, key,
                     phase);
}

}  // namespace wsd::protocol
