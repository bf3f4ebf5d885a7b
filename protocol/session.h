// One server endpoint of a WebSocket connection after its opening handshake (RFC 6455 §5 to §7): bytes in, events out.
//
// Does no I/O and knows no clock. It unmasks in place, checks UTF-8 as it arrives, assembles fragments, inflates
// compressed messages once they are whole (RFC 7692), and follows the close handshake; it never sends: the caller
// writes what an event asks for.
//
// The contract, as steps:
//   1. Call next(input) with what the socket gave. It takes bytes from the front of `input`, and may overwrite them.
//   2. On `message`, `ping`, `pong` or `close`, read the accessor that the step names; its views die at the next call
//   of
//      next() and with the input's bytes. Then call next() again with what is left of `input`, even if that is nothing.
//   3. On `need_more`, `input` is empty; come back when the socket has more.
//   4. On `failed`, send a Close with close_code_for(error()) and end the connection. The session takes no further
//   byte:
//      every later next() empties `input` and returns `failed` (§7.1.7, Fail the WebSocket Connection).
//
// Owned by one connection. An idle session owns no heap memory.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/deflate_stream.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/frame_parser.h"
#include "protocol/mask.h"
#include "protocol/message_assembler.h"
#include "protocol/utf8.h"

namespace wsd::protocol {

class Session {
 public:
  enum class Step {
    need_more,  // `input` is used up
    message,    // a whole data message: see message()
    ping,       // answer with a Pong that carries control_payload() (§5.5.2)
    pong,       // the peer answered, or beats by itself (§5.5.3)
    close,   // the peer's Close frame: see peer_close(). If close_sent() was not called, answer with a Close (§5.5.1)
    failed,  // the peer broke the protocol: see error()
  };

  struct Message {
    Opcode type = Opcode::text;  // text or binary
    std::span<const std::byte> payload;
  };

  struct PeerClose {
    std::optional<std::uint16_t> code;  // none: the Close frame had no body (§7.1.5: 1005)
    std::string_view reason;            // valid UTF-8
  };

  // `max_message_size`: bytes of one message's payload, all fragments together. Larger ones fail with message_too_big
  // as soon as a header declares them, before anything is allocated. What is compressed is measured inflated, and fails
  // as soon as one byte too many has come out.
  explicit Session(std::uint64_t max_message_size) : max_message_size_(max_message_size) {}

  // permessage-deflate was agreed on: messages may have RSV1, and are inflated by `inflater`, which outlives the
  // session and serves others only if it is one without context takeover.
  void use_inflater(Inflater& inflater) { inflater_ = &inflater; }

  [[nodiscard]] Step next(std::span<std::byte>& input);

  // Where the next bytes may be received, so that they need not be copied there: the message's own memory, for no more
  // than the payload that its frame still lacks. They are then given to next() where they lie. Empty: there is none,
  // and they may lie anywhere. Valid until the next call of next().
  [[nodiscard]] std::span<std::byte> room() {
    return state_ == State::payload && !assembler_.empty() ? room_of_message() : std::span<std::byte>();
  }

  // After Step::message.
  [[nodiscard]] Message message() const { return {type_, payload_}; }
  // After Step::ping or Step::pong: at most 125 bytes.
  [[nodiscard]] std::span<const std::byte> control_payload() const { return payload_; }
  // After Step::close.
  [[nodiscard]] PeerClose peer_close() const;
  // After Step::failed.
  [[nodiscard]] ProtocolError error() const { return error_; }

  // The caller has written our Close frame. From here on data messages are read and dropped, since the application has
  // ended the conversation (§5.5.1: "MUST NOT send any more data frames"); only the peer's Close is still reported.
  // Pings are not: §5.5.2 asks for a Pong until the peer's Close is there, but some clients fail the connection on any
  // frame behind a Close.
  void close_sent();

  // What of the input has been taken and not yet come to an event, as bytes: fed to a session in its first state, they
  // bring it to where this one stands, and yield no event. This is how half a message moves to another process. They
  // are frames on the wire's terms, though not always those that came: fragments that were received are joined into
  // one. Of a compressed message these are compressed bytes; the other session's inflater needs this one's window.
  [[nodiscard]] std::vector<std::byte> unfinished_input() const;

  // True while a message, or any frame, has begun and not ended: the caller bounds how long that may take.
  [[nodiscard]] bool in_message() const;

 private:
  // What the next byte belongs to.
  enum class State : std::uint8_t {
    header,   // a frame's header
    payload,  // the current frame's payload
    closed,   // nothing: the peer's Close has arrived (§5.5.1), and whatever follows is not looked at
    failed,   // nothing: the connection failed
  };

  // A control frame's payload that spans inputs.
  struct ControlBuffer {
    std::array<std::byte, max_control_payload> bytes;
    std::size_t size = 0;
  };

  ProtocolError begin_frame();
  ProtocolError begin_message_part(const FrameHeader& header);
  Step take_payload(std::span<std::byte>& input);
  Step take_data(std::span<const std::byte> payload, Ascii ascii);
  Step take_control(std::span<const std::byte> payload);
  Step take_close();
  Step end_message(std::span<const std::byte> last_part);
  Step inflate_message();
  [[nodiscard]] std::uint64_t max_assembled_size() const;
  void append_to_message(std::span<const std::byte> part);
  [[nodiscard]] std::span<std::byte> room_of_message();
  [[nodiscard]] std::size_t max_final_size(std::size_t taken) const;
  std::span<const std::byte> append_to_control(std::span<const std::byte> part);
  void release_last_event();
  Step discard(std::span<std::byte>& input);
  Step fail(ProtocolError error);

  // In an order that leaves no gaps: every connection has one of these.
  [[no_unique_address]] FrameParser parser_;
  State state_ = State::header;
  ProtocolError error_ = ProtocolError::none;
  Opcode type_ = Opcode::text;       // of the last message, and of one that is unfinished
  Utf8Validator utf8_;               // complete between messages
  bool message_unfinished_ = false;  // a data frame without FIN has come, and none with FIN since
  bool compressed_ = false;          // the current message began with RSV1
  bool close_sent_ = false;
  bool event_on_heap_ = false;  // the last event's views are into assembler_, control_ or what inflater_ gave
  MessageAssembler assembler_;
  std::unique_ptr<ControlBuffer> control_;
  Inflater* inflater_ = nullptr;
  std::span<const std::byte> payload_;  // the last event's
  std::uint64_t max_message_size_;
  std::uint64_t payload_left_ = 0;  // of the current frame
};

}  // namespace wsd::protocol
