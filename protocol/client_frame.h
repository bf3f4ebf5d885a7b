// Frames as a client sends them, masked. A server sends none: they are how what a session has received travels to
// another process (Session::unfinished_input()).

#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "protocol/frame.h"

namespace wsd::protocol {

// The key for the bytes of a payload from `phase` on, as if they began a frame of their own.
[[nodiscard]] MaskingKey rotate(const MaskingKey& key, std::size_t phase);

void append_client_header(std::vector<std::byte>& bytes, const FrameHeader& header);
// The header as it is, and the beginning of its payload, masked here.
void append_client_payload(std::vector<std::byte>& bytes, const FrameHeader& header,
                           std::span<const std::byte> payload);

}  // namespace wsd::protocol
