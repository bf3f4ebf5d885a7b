#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wsd::load {

// The messages a load is made of, and what an echo server has to answer. Message number n is `size` bytes that begin
// with n in hexadecimal, so that an answer that is lost, doubled, out of order or damaged is seen.
class EchoMessages {
 public:
  EchoMessages(std::size_t size, bool is_binary, std::string_view prefix);

  [[nodiscard]] std::uint8_t opcode() const { return opcode_; }
  [[nodiscard]] std::size_t frame_size() const;
  [[nodiscard]] std::size_t answer_size() const { return answer_.size(); }

  // Writes message `number` as a masked frame to `to`, which has room for frame_size() bytes, and returns its end.
  char* write_frame(char* to, std::uint64_t number);

  // Whether `bytes` are those from `offset` on in the answer to message `number`.
  [[nodiscard]] bool is_answer(std::uint64_t number, std::uint64_t offset, std::span<const char> bytes) const;

 private:
  [[nodiscard]] std::array<char, 8> digits_of(std::uint64_t number) const;
  [[nodiscard]] std::size_t digit_count() const;
  [[nodiscard]] std::uint32_t next_masking_key();

  std::uint8_t opcode_;
  std::size_t prefix_size_;
  std::string answer_;  // prefix and message, as it is but for the number
  std::string header_;  // of the client's frame, without the masking key
  std::uint32_t random_;
};

}  // namespace wsd::load
