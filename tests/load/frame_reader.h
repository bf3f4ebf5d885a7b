#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace wsd::load {

// Cuts what a server sends into frames (RFC 6455 §5.2), as a client does. It copies no payload: a piece is a view of
// the caller's bytes. A server's frame is never masked and, without an extension, has no RSV bit: anything else fails.
class FrameReader {
 public:
  struct Piece {
    std::uint8_t opcode = 0;
    bool is_final = false;     // FIN of the frame
    std::uint64_t offset = 0;  // of these bytes in the frame's payload
    std::span<const char> bytes;
    bool ends_frame = false;
  };

  enum class Step {
    need_more,  // the input is used up
    piece,      // some payload, or the end of an empty frame
    failed,     // not a frame a server may send; the reader is of no use any more
  };

  // Consumes from the front of `input` up to the end of one piece.
  [[nodiscard]] Step next(std::span<const char>& input, Piece& piece);

 private:
  [[nodiscard]] bool read_header(std::span<const char>& input);
  [[nodiscard]] std::size_t header_size() const;

  std::array<std::uint8_t, 10> header_{};
  std::size_t header_read_ = 0;
  bool is_in_payload_ = false;
  std::uint64_t size_ = 0;    // of the frame's payload
  std::uint64_t offset_ = 0;  // in it
};

}  // namespace wsd::load
