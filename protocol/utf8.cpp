#include "protocol/utf8.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

namespace wsd::protocol {
namespace {

// Up to here the words of an ASCII text are looked at one by one; above, simdjson is faster in any case.
constexpr std::size_t short_text = 64;

const char* characters(std::span<const std::byte> bytes) {
  return reinterpret_cast<const char*>(bytes.data());
}

std::uint64_t load_word(const std::byte* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

bool is_short_ascii(std::span<const std::byte> bytes) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  if (bytes.size() > short_text) return false;
  std::uint64_t seen = 0;
  if (bytes.size() >= 8) {
    for (std::size_t at = 0; at + 8 < bytes.size(); at += 8) seen |= load_word(bytes.data() + at);
    seen |= load_word(bytes.data() + bytes.size() - 8);  // overlaps the word before it
  } else {
    for (const std::byte byte : bytes) seen |= std::uint64_t{static_cast<std::uint8_t>(byte)};
  }
  return (seen & high_bits) == 0;
}

// How long the character is that this byte would begin; 1 for bytes that begin none.
std::size_t announced_size(std::byte lead) {
  if (lead >= std::byte{0xF0}) return 4;
  if (lead >= std::byte{0xE0}) return 3;
  return lead >= std::byte{0xC0} ? 2 : 1;
}

// The size of the character at the end whose last bytes have not arrived, if there is one.
std::size_t unfinished_tail(std::span<const std::byte> bytes) {
  const std::size_t reach = std::min<std::size_t>(bytes.size(), 3);
  for (std::size_t tail = 1; tail <= reach; ++tail) {
    if (announced_size(bytes[bytes.size() - tail]) > tail) return tail;
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(std::span<const std::byte> bytes) {
  return is_short_ascii(bytes) || simdjson::validate_utf8(characters(bytes), bytes.size());
}

Utf8Validator::State Utf8Validator::after_lead(std::uint8_t byte) {
  if (byte <= 0x7F) return State::between_characters;
  if (byte < 0xC2) return State::failed;  // a continuation, or an overlong form of ASCII
  if (byte <= 0xDF) return State::one_left;
  if (byte == 0xE0) return State::after_e0;
  if (byte == 0xED) return State::after_ed;
  if (byte <= 0xEF) return State::two_left;
  if (byte == 0xF0) return State::after_f0;
  if (byte <= 0xF3) return State::three_left;
  return byte == 0xF4 ? State::after_f4 : State::failed;
}

Utf8Validator::State Utf8Validator::step(State state, std::uint8_t byte) {
  const auto within = [byte](std::uint8_t low, std::uint8_t high, State next) {
    return byte >= low && byte <= high ? next : State::failed;
  };
  switch (state) {
    case State::between_characters:
      return after_lead(byte);
    case State::one_left:
      return within(0x80, 0xBF, State::between_characters);
    case State::two_left:
      return within(0x80, 0xBF, State::one_left);
    case State::three_left:
      return within(0x80, 0xBF, State::two_left);
    case State::after_e0:
      return within(0xA0, 0xBF, State::one_left);
    case State::after_ed:
      return within(0x80, 0x9F, State::one_left);
    case State::after_f0:
      return within(0x90, 0xBF, State::two_left);
    case State::after_f4:
      return within(0x80, 0x8F, State::two_left);
    case State::failed:
      break;
  }
  return State::failed;
}

bool Utf8Validator::feed(std::span<const std::byte> bytes) {
  if (state_ == State::between_characters && is_short_ascii(bytes)) return true;
  const auto step_over = [this](std::span<const std::byte> few) {
    for (const std::byte byte : few) state_ = step(state_, static_cast<std::uint8_t>(byte));
  };
  // The front seam: what an earlier piece left unfinished, three bytes at most.
  while (state_ != State::between_characters && state_ != State::failed && !bytes.empty()) {
    step_over(bytes.first(1));
    bytes = bytes.subspan(1);
  }
  if (state_ != State::between_characters) return state_ != State::failed;

  const std::size_t tail = unfinished_tail(bytes);
  if (!is_valid_utf8(bytes.first(bytes.size() - tail))) state_ = State::failed;
  step_over(bytes.last(tail));
  return state_ != State::failed;
}

}  // namespace wsd::protocol
