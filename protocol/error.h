// The catalogue of what a client can do wrong after the opening handshake, each violation with its RFC 6455 section.
//
// Inner code names the violation; close_code_for() alone knows which close code it earns. Errors of the opening
// handshake are HttpError (http_error.h).

#pragma once

#include <cstdint>
#include <string_view>

namespace wsd::protocol {

enum class ProtocolError : std::uint8_t {
  none,
  reserved_bits_set,             // §5.2: RSV1, RSV2 or RSV3 without an extension that gives it a meaning
  unknown_opcode,                // §5.2: 0x3 to 0x7, 0xB to 0xF
  payload_length_not_minimal,    // §5.2: "the minimal number of bytes MUST be used to encode the length"
  payload_length_too_large,      // §5.2: "the most significant bit MUST be 0"
  frame_not_masked,              // §5.1: a client masks every frame
  control_frame_fragmented,      // §5.5
  control_frame_too_long,        // §5.5: more than 125 bytes
  continuation_without_start,    // §5.4: a continuation frame, and no message to continue
  new_message_inside_fragments,  // §5.4: a text or binary frame before the fragmented message's last fragment
  invalid_utf8,                  // §8.1: in a text message
  message_too_big,               // §10.4: over our limit
  corrupt_compressed_data,       // RFC 7692 §7.2.2: a message marked as compressed does not inflate
  close_payload_of_one_byte,     // §5.5.1: a close code has two
  invalid_close_code,            // §7.4: a code that never goes over the wire
  invalid_close_reason,          // §5.5.1: not UTF-8
};

// The code to put into our Close frame (§7.4.1). Not for ProtocolError::none.
[[nodiscard]] std::uint16_t close_code_for(ProtocolError error);

// A sentence for logs and close reasons, under 124 bytes.
[[nodiscard]] std::string_view to_string(ProtocolError error);

}  // namespace wsd::protocol
