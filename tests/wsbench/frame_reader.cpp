#include "tests/wsbench/frame_reader.h"

#include <algorithm>

namespace wsd::bench {

using protocol::Opcode;

FrameReader::Step FrameReader::next(std::span<const std::byte>& input, Piece& piece) {
  if (!problem_.empty()) return Step::failed;
  if (!in_payload_ && !read_header(input)) return problem_.empty() ? Step::need_more : Step::failed;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  if (size == 0 && left_ > 0) return Step::need_more;
  left_ -= size;
  const bool is_data = !is_control(opcode_);
  piece.opcode = is_data ? message_opcode_ : opcode_;
  piece.is_compressed = is_data && message_is_compressed_;
  piece.begins_frame = begins_frame_;
  piece.ends_frame = left_ == 0;
  piece.begins_message = begins_frame_ && begins_message_;
  piece.ends_message = left_ == 0 && fin_;
  piece.frame_size = size_;
  piece.bytes = input.first(size);
  input = input.subspan(size);
  begins_frame_ = false;
  if (left_ == 0) {
    in_payload_ = false;
    header_read_ = 0;
    if (is_data) in_message_ = !fin_;
  }
  return Step::piece;
}

bool FrameReader::read_header(std::span<const std::byte>& input) {
  while (header_read_ < header_size()) {
    if (input.empty()) return false;
    const std::byte byte = input.front();
    input = input.subspan(1);
    header_[header_read_++] = byte;
    if (header_read_ == 1 && !take_first_byte(static_cast<std::uint8_t>(byte))) return false;
    if (header_read_ == 2 && !take_second_byte(static_cast<std::uint8_t>(byte))) return false;
  }
  if (!take_length()) return false;
  in_payload_ = true;
  begins_frame_ = true;
  return true;
}

bool FrameReader::take_first_byte(std::uint8_t byte) {
  const std::uint8_t opcode = byte & 0x0FU;
  if (opcode > 0xA || (opcode > 0x2 && opcode < 0x8)) return fail("a frame of an unknown opcode");
  opcode_ = Opcode{opcode};
  fin_ = (byte & 0x80U) != 0;
  const bool rsv1 = (byte & 0x40U) != 0;
  begins_message_ = opcode_ != Opcode::continuation;
  if ((byte & 0x30U) != 0) return fail("a frame with RSV2 or RSV3");
  if (is_control(opcode_)) {
    if (rsv1) return fail("a control frame with RSV1");
    return fin_ || fail("a fragmented control frame");
  }
  if (opcode_ == Opcode::continuation) {
    if (!in_message_) return fail("a continuation without a beginning");
    return !rsv1 || fail("a continuation with RSV1");
  }
  if (in_message_) return fail("a new message inside a fragmented one");
  if (rsv1 && !may_be_compressed_) return fail("a compressed message that was not agreed on");
  message_opcode_ = opcode_;
  message_is_compressed_ = rsv1;
  return true;
}

bool FrameReader::take_second_byte(std::uint8_t byte) {
  if ((byte & 0x80U) != 0) return fail("a masked frame");
  if (is_control(opcode_) && byte > protocol::max_control_payload) return fail("a control frame of over 125 bytes");
  return true;
}

bool FrameReader::take_length() {
  size_ = static_cast<std::uint64_t>(header_[1]);
  if (header_read_ > 2) {
    size_ = 0;
    for (std::size_t i = 2; i < header_read_; ++i) size_ = (size_ << 8U) | static_cast<std::uint8_t>(header_[i]);
    if (size_ >> 63U != 0) return fail("a length with its highest bit");
    if (size_ <= (header_read_ == 4 ? 125U : 0xFFFFU)) return fail("a length in more bytes than it needs");
  }
  left_ = size_;
  return true;
}

bool FrameReader::fail(std::string_view problem) {
  problem_ = problem;
  return false;
}

std::size_t FrameReader::header_size() const {
  if (header_read_ < 2) return 2;
  const auto length = static_cast<std::uint8_t>(header_[1]) & 0x7FU;
  if (length == 126) return 4;
  return length == 127 ? 10 : 2;
}

}  // namespace wsd::bench
