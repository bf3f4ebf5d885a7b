#include "tests/load/frame_reader.h"

#include <algorithm>

namespace wsd::load {

FrameReader::Step FrameReader::next(std::span<const char>& input, Piece& piece) {
  if (!is_in_payload_ && !read_header(input)) return Step::need_more;
  if ((header_[0] & 0x70U) != 0 || (header_[1] & 0x80U) != 0) return Step::failed;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(size_ - offset_, input.size()));
  if (size == 0 && offset_ < size_) return Step::need_more;
  piece = {static_cast<std::uint8_t>(header_[0] & 0x0FU), (header_[0] & 0x80U) != 0, offset_, input.first(size), false};
  input = input.subspan(size);
  offset_ += size;
  if (offset_ == size_) {
    piece.ends_frame = true;
    is_in_payload_ = false;
    header_read_ = 0;
  }
  return Step::piece;
}

bool FrameReader::read_header(std::span<const char>& input) {
  while (header_read_ < header_size()) {
    if (input.empty()) return false;
    header_[header_read_++] = static_cast<std::uint8_t>(input.front());
    input = input.subspan(1);
  }
  size_ = header_[1] & 0x7FU;
  if (size_ >= 126) {
    size_ = 0;
    for (std::size_t i = 2; i < header_read_; ++i) size_ = (size_ << 8U) | header_[i];
  }
  offset_ = 0;
  is_in_payload_ = true;
  return true;
}

std::size_t FrameReader::header_size() const {
  if (header_read_ < 2) return 2;
  const unsigned length = header_[1] & 0x7FU;
  if (length == 126) return 4;
  return length == 127 ? 10 : 2;
}

}  // namespace wsd::load
