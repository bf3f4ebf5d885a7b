#include "tests/wsbench/echo_messages.h"

#include <algorithm>
#include <cstring>

#include "protocol/mask.h"

namespace wsd::bench {

namespace {

constexpr std::string_view hexadecimal = "0123456789abcdef";

// The two digits of a byte, lowest first.
constexpr auto digit_pairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t byte = 0; byte < pairs.size(); ++byte)
    pairs[byte] = {hexadecimal[byte & 0xFU], hexadecimal[byte >> 4U]};
  return pairs;
}();

std::array<char, 8> digits_of(std::uint64_t number) {
  std::array<char, 8> digits;
  for (std::size_t i = 0; i < 4; ++i)
    std::memcpy(digits.data() + 2 * i, digit_pairs[(number >> (8 * i)) & 0xFFU].data(), 2);
  return digits;
}

// Of words and numbers: compresses about as chat does.
std::string pattern(std::size_t size) {
  constexpr std::array<std::string_view, 8> words{"hello ", "world ", R"(","text":")", "danmaku ",
                                                  R"("},)", "Alice ", R"({"name":")",  "message "};
  Random random(1);
  std::string text;
  while (text.size() < size) {
    text += words[random.below(words.size())];
    text += std::to_string(random.below(100));
  }
  text.resize(size);
  return text;
}

}  // namespace

EchoMessages::EchoMessages(const SizeDistribution& sizes, bool is_binary, std::string_view prefix)
    : sizes_(sizes),
      fixed_size_(sizes.is_fixed() ? sizes.largest() : 0),
      opcode_(is_binary ? protocol::Opcode::binary : protocol::Opcode::text),
      prefix_size_(prefix.size()),
      answer_(std::string(prefix) + pattern(sizes.largest())) {}

char* EchoMessages::write_frame(char* to, std::uint64_t number, MaskingKeys& keys) const {
  const protocol::MaskingKey key = keys.next();
  const std::size_t size = size_of(number);
  to = write_client_header(to, opcode_, size, key);
  char* const end = write_message(to, number);
  protocol::unmask({reinterpret_cast<std::byte*>(to), size}, key, 0);
  return end;
}

char* EchoMessages::write_message(char* to, std::uint64_t number) const {
  const std::size_t size = size_of(number);
  const std::array<char, digit_count> digits = digits_of(number);
  std::memcpy(to, answer_.data() + prefix_size_, size);
  std::memcpy(to, digits.data(), std::min(digit_count, size));
  return to + size;
}

std::string EchoMessages::message(std::uint64_t number) const {
  std::string text(size_of(number), '\0');
  (void)write_message(text.data(), number);
  return text;
}

bool EchoMessages::is_answer(std::uint64_t number, std::uint64_t offset, std::span<const std::byte> bytes) const {
  const std::size_t size = size_of(number);
  if (offset + bytes.size() > prefix_size_ + size) return false;
  const std::size_t digits_end = prefix_size_ + std::min(digit_count, size);
  auto at = static_cast<std::size_t>(offset);
  const auto* byte = reinterpret_cast<const char*>(bytes.data());
  const char* const end = byte + bytes.size();
  if (at < digits_end) {
    const std::array<char, digit_count> digits = digits_of(number);
    for (; byte != end && at < prefix_size_; ++at, ++byte) {
      if (*byte != answer_[at]) return false;
    }
    for (; byte != end && at < digits_end; ++at, ++byte) {
      if (*byte != digits[at - prefix_size_]) return false;
    }
  }
  return std::memcmp(byte, answer_.data() + at, static_cast<std::size_t>(end - byte)) == 0;
}

std::optional<std::uint32_t> EchoMessages::number_in(std::span<const std::byte> answer) const {
  if (answer.size() < prefix_size_ + digit_count) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = digit_count; i > 0; --i) {
    const auto value = hexadecimal.find(static_cast<char>(answer[prefix_size_ + i - 1]));
    if (value == std::string_view::npos) return std::nullopt;
    number = (number << 4U) | static_cast<std::uint32_t>(value);
  }
  return number;
}

}  // namespace wsd::bench
