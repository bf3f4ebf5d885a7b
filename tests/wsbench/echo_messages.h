// The messages of a load, and what a server that echoes has to answer.
//
// Message number n begins with the lowest 32 bits of n in hexadecimal, lowest digit first, as far as its size allows;
// the rest is a pattern. So an answer that is lost, doubled, out of order or damaged is seen, and known for what it is.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/frame.h"
#include "tests/wsbench/client_frame.h"
#include "tests/wsbench/size_distribution.h"

namespace wsd::bench {

class EchoMessages {
 public:
  // `prefix`: what the server puts before each answer.
  EchoMessages(const SizeDistribution& sizes, bool is_binary, std::string_view prefix);

  // How much room any frame needs.
  [[nodiscard]] std::size_t largest_frame() const { return protocol::max_client_header_size + sizes_.largest(); }

  // Writes message `number` as a masked frame. Returns its end.
  [[nodiscard]] char* write_frame(char* to, std::uint64_t number, MaskingKeys& keys) const;

  // Message `number` itself, unmasked, of at most sizes.largest() bytes. Returns its end.
  [[nodiscard]] char* write_message(char* to, std::uint64_t number) const;
  [[nodiscard]] std::string message(std::uint64_t number) const;

  [[nodiscard]] protocol::Opcode opcode() const { return opcode_; }
  [[nodiscard]] std::size_t answer_size(std::uint64_t number) const { return prefix_size_ + size_of(number); }
  // Whether `bytes` are those from `offset` on in the answer to message `number`.
  [[nodiscard]] bool is_answer(std::uint64_t number, std::uint64_t offset, std::span<const std::byte> bytes) const;
  // The digits of an answer's beginning, as a number. Nothing where it is none that has all eight.
  [[nodiscard]] std::optional<std::uint32_t> number_in(std::span<const std::byte> answer) const;

 private:
  static constexpr std::size_t digit_count = 8;

  [[nodiscard]] std::size_t size_of(std::uint64_t number) const {
    if (fixed_size_ != 0) return fixed_size_;
    Random random(number);
    return sizes_.sample(random);
  }

  SizeDistribution sizes_;
  std::size_t fixed_size_;  // 0: none, or nothing
  protocol::Opcode opcode_;
  std::size_t prefix_size_;
  std::string answer_;  // of the largest message, as it is but for the number
};

}  // namespace wsd::bench
