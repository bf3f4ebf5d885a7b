#include "tests/load/echo_messages.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/load/client_frame.h"
#include "tests/load/mask.h"

namespace wsd::load {
namespace {

constexpr std::size_t masking_key_size = 4;

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

}  // namespace

EchoMessages::EchoMessages(std::size_t size, bool is_binary, std::string_view prefix)
    : opcode_(is_binary ? 2 : 1),
      prefix_size_(prefix.size()),
      answer_(std::string(prefix) + pattern(size)),
      header_(client_header(opcode_, size)),
      random_(std::random_device{}() | 1U) {}

std::size_t EchoMessages::frame_size() const {
  return header_.size() + masking_key_size + answer_.size() - prefix_size_;
}

char* EchoMessages::write_frame(char* to, std::uint64_t number) {
  const std::uint32_t key = next_masking_key();
  const std::array<char, 8> digits = digits_of(number);
  const std::size_t count = digit_count();
  const std::size_t size = answer_.size() - prefix_size_;
  std::memcpy(to, header_.data(), header_.size());
  std::memcpy(to + header_.size(), &key, masking_key_size);
  to += header_.size() + masking_key_size;
  mask_copy(to, digits.data(), count, key);
  mask_copy(to + count, answer_.data() + prefix_size_ + count, size - count, key);  // count is 8, or there is no rest
  return to + size;
}

bool EchoMessages::is_answer(std::uint64_t number, std::uint64_t offset, std::span<const char> bytes) const {
  if (offset + bytes.size() > answer_.size()) return false;
  const std::size_t digits_end = prefix_size_ + digit_count();
  std::size_t at = 0;
  if (offset < digits_end) {
    const std::array<char, 8> digits = digits_of(number);
    for (; at < bytes.size() && offset + at < digits_end; ++at) {
      const std::size_t place = static_cast<std::size_t>(offset) + at;
      if (bytes[at] != (place < prefix_size_ ? answer_[place] : digits[place - prefix_size_])) return false;
    }
  }
  return std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(),
                    answer_.begin() + static_cast<std::ptrdiff_t>(offset + at));
}

// The lowest digit first: a message too short for all of them still differs from its neighbours.
std::array<char, 8> EchoMessages::digits_of(std::uint64_t number) const {
  std::array<char, 8> digits{};
  for (char& digit : digits) {
    digit = "0123456789abcdef"[number & 0xFU];
    number >>= 4U;
  }
  return digits;
}

std::size_t EchoMessages::digit_count() const {
  return std::min<std::size_t>(8, answer_.size() - prefix_size_);
}

// Xorshift: as cheap as a constant, and every frame has another key.
std::uint32_t EchoMessages::next_masking_key() {
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 17U;
  random_ ^= random_ << 5U;
  return random_;
}

}  // namespace wsd::load
