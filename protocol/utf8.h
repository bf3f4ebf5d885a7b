// UTF-8 (RFC 3629), checked as it arrives: RFC 6455 §8.1 wants it of every text message and close reason.
//
// Does not decode, and does not say where the error is: a connection fails for one either way.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wsd::protocol {

// One text, fed in pieces that may end anywhere, also inside a character.
class Utf8Validator {
 public:
  // False as soon as no continuation could make the bytes so far valid: F4 90 fails at 90, without waiting for the
  // character's end. A failed validator stays failed.
  [[nodiscard]] bool feed(std::span<const std::byte> bytes);

  // Whether the text may end here: nothing failed, and no character is unfinished. If so, another text may begin.
  [[nodiscard]] bool complete() const { return state_ == State::between_characters; }

 private:
  // What the next byte may be; Unicode's table 3-7 needs no more memory than this.
  enum class State : std::uint8_t {
    between_characters,  // a lead byte
    one_left,            // 80..BF, then the character is whole
    two_left,            // 80..BF, then one_left
    three_left,          // 80..BF, then two_left
    after_e0,            // A0..BF, then one_left: less would be overlong
    after_ed,            // 80..9F, then one_left: more would be a surrogate
    after_f0,            // 90..BF, then two_left: less would be overlong
    after_f4,            // 80..8F, then two_left: more would be above U+10FFFF
    failed,
  };

  static State after_lead(std::uint8_t byte);
  static State step(State state, std::uint8_t byte);

  State state_ = State::between_characters;
};

[[nodiscard]] bool is_valid_utf8(std::span<const std::byte> bytes);

}  // namespace wsd::protocol
