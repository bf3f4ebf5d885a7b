#include "tests/load/echo_messages.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/load/mask.h"

namespace wsd::load {
namespace {

constexpr std::size_t masking_key_size = 4;

// §5.2 of RFC 6455, with FIN and MASK set.
std::string client_header(std::uint8_t opcode, std::size_t size) {
  std::string header{static_cast<char>(0x80U | opcode)};
  std::size_t length_size = 0;
  if (size < 126) {
    header.push_back(static_cast<char>(0x80U | size));
  } else {
    length_size = size < 65536 ? 2 : 8;
    header.push_back(static_cast<char>(0x80U | (length_size == 2 ? 126U : 127U)));
  }
  for (std::size_t i = length_size; i > 0; --i) header.push_back(static_cast<char>((size >> (8 * (i - 1))) & 0xFFU));
  return header;
}

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

std::string masked_control_frame(std::uint8_t opcode, std::string_view payload) {
  static std::mt19937 random{std::random_device{}()};
  const auto key = static_cast<std::uint32_t>(random());
  std::string frame = client_header(opcode, payload.size());
  frame.append(reinterpret_cast<const char*>(&key), masking_key_size);
  const std::size_t start = frame.size();
  frame.append(payload);
  mask_in_place(frame.data() + start, payload.size(), key);
  return frame;
}

}  // namespace wsd::load
