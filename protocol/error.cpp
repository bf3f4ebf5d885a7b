#include "protocol/error.h"

#include "protocol/assertion.h"
#include "protocol/close_code.h"

namespace wsd::protocol {

std::uint16_t close_code_for(ProtocolError error) {
  WSD_ASSERT(error != ProtocolError::none);
  switch (error) {
    case ProtocolError::invalid_utf8:
    case ProtocolError::invalid_close_reason:
    case ProtocolError::corrupt_compressed_data:
      return close_code::invalid_payload;
    case ProtocolError::message_too_big:
      return close_code::message_too_big;
    default:
      return close_code::protocol_error;
  }
}

std::string_view to_string(ProtocolError error) {
  switch (error) {
    case ProtocolError::none:
      return "no error";
    case ProtocolError::reserved_bits_set:
      return "a reserved bit is set, and no extension was agreed on that uses it";
    case ProtocolError::unknown_opcode:
      return "a frame has an unknown opcode";
    case ProtocolError::payload_length_not_minimal:
      return "a payload length is written with more bytes than it needs";
    case ProtocolError::payload_length_too_large:
      return "a payload length has its highest bit set";
    case ProtocolError::frame_not_masked:
      return "a frame from the client is not masked";
    case ProtocolError::control_frame_fragmented:
      return "a control frame is fragmented";
    case ProtocolError::control_frame_too_long:
      return "a control frame is longer than 125 bytes";
    case ProtocolError::continuation_without_start:
      return "a continuation frame came with no message to continue";
    case ProtocolError::new_message_inside_fragments:
      return "a new message began before the last one's final fragment";
    case ProtocolError::invalid_utf8:
      return "a text message is not valid UTF-8";
    case ProtocolError::message_too_big:
      return "a message is larger than this server allows";
    case ProtocolError::corrupt_compressed_data:
      return "a compressed message does not decompress";
    case ProtocolError::close_payload_of_one_byte:
      return "a Close frame has a body of one byte";
    case ProtocolError::invalid_close_code:
      return "a Close frame has a code that must not be sent";
    case ProtocolError::invalid_close_reason:
      return "a Close frame's reason is not valid UTF-8";
  }
  return "unknown error";
}

}  // namespace wsd::protocol
