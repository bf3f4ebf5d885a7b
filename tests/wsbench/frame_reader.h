// Cuts what a server sends into frames (RFC 6455 §5.2), as a client does, and fails at the first thing that no server
// may send: of a header as soon as its byte is there, and of the order of frames too. Copies no payload.
//
// Not here: UTF-8, inflating, what a Close says.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/frame.h"

namespace wsd::bench {

class FrameReader {
 public:
  // Some of a frame's payload, as far as it has arrived.
  struct Piece {
    protocol::Opcode opcode{};   // of the message: of a continuation what it continues
    bool is_compressed = false;  // the message is (RFC 7692)
    bool begins_frame = false;
    bool ends_frame = false;
    bool begins_message = false;  // with these bytes; a control frame is a message of its own
    bool ends_message = false;
    std::uint64_t frame_size = 0;      // of the frame's whole payload
    std::span<const std::byte> bytes;  // a view of the caller's; empty when an empty frame has come
  };

  enum class Step : std::uint8_t {
    need_more,  // the input is used up
    piece,
    failed,  // see problem(); final
  };

  // From now on messages may be compressed: permessage-deflate has been agreed on.
  void allow_compression() { may_be_compressed_ = true; }

  // Consumes from the front of `input`, up to the end of one piece.
  [[nodiscard]] Step next(std::span<const std::byte>& input, Piece& piece);

  // What the server did, for people.
  [[nodiscard]] std::string_view problem() const { return problem_; }
  // Between two messages, and not in a control frame either.
  [[nodiscard]] bool is_between_messages() const { return header_read_ == 0 && left_ == 0 && !in_message_; }

 private:
  [[nodiscard]] bool read_header(std::span<const std::byte>& input);
  bool take_first_byte(std::uint8_t byte);
  bool take_second_byte(std::uint8_t byte);
  bool take_length();
  bool fail(std::string_view problem);
  [[nodiscard]] std::size_t header_size() const;

  std::array<std::byte, protocol::max_server_header_size> header_{};
  std::uint8_t header_read_ = 0;
  bool in_payload_ = false;
  bool begins_frame_ = false;
  bool may_be_compressed_ = false;
  bool in_message_ = false;  // a fragmented one
  bool fin_ = false;
  bool begins_message_ = false;
  bool message_is_compressed_ = false;
  protocol::Opcode opcode_{};          // of the frame
  protocol::Opcode message_opcode_{};  // of the message, data alone
  std::uint64_t size_ = 0;             // of the frame's payload
  std::uint64_t left_ = 0;             // of it, still to come
  std::string_view problem_;
};

}  // namespace wsd::bench
