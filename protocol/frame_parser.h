// Parses the headers of a client's frames (RFC 6455 §5.2), as their bytes arrive.
//
// Checks whatever one header can show by itself: RSV2 and RSV3, opcode, minimal length, MASK, the rules for control
// frames; each as soon as its byte is there. Does not see payload: after Step::header the caller takes
// header().payload_length bytes from the front of its input before it calls again. Does not know messages, so whether a
// continuation has something to continue, or RSV1 an extension behind it, is the caller's question.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/error.h"
#include "protocol/frame.h"

namespace wsd::protocol {

class FrameParser {
 public:
  enum class Step : std::uint8_t {
    need_more,  // the input is used up, the header is not whole
    header,     // see header(); `input` begins with the payload
    failed,     // final; see error()
  };

  // Consumes from the front of `input`.
  [[nodiscard]] Step next(std::span<std::byte>& input);

  // After Step::header, until the next call of next().
  [[nodiscard]] const FrameHeader& header() const { return header_; }
  [[nodiscard]] ProtocolError error() const { return error_; }

  // The bytes of a header that has begun and is not whole.
  [[nodiscard]] std::span<const std::byte> carried() const { return std::span(carry_).first(carry_size_); }
  // Whether a header has begun and is not whole.
  [[nodiscard]] bool in_header() const { return carry_size_ != 0; }

 private:
  std::size_t parse(std::span<const std::byte> bytes);
  Step next_carried(std::span<std::byte>& input);
  Step carry(std::span<std::byte>& input);

  // One frame's payload is over when the next one's header begins.
  union {
    FrameHeader header_{};
    // The beginning of a header whose end has not arrived.
    std::array<std::byte, max_client_header_size> carry_;
  };
  std::uint8_t carry_size_ = 0;
  ProtocolError error_ = ProtocolError::none;
};

}  // namespace wsd::protocol
