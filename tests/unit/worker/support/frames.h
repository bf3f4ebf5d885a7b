// What a server sends, taken apart again, and what a client sends, as text.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.h"
#include "tests/unit/protocol/wire.h"

namespace wsd::worker::test {

struct Frame {
  int first_byte = 0;  // as on the wire: 0x81 is FIN and text
  std::string payload;

  bool operator==(const Frame&) const = default;
};
using Frames = std::vector<Frame>;

inline void PrintTo(const Frame& frame, std::ostream* out) {
  *out << "{0x" << std::hex << frame.first_byte << std::dec << ", " << frame.payload.size() << " bytes \""
       << frame.payload.substr(0, 40) << "\"}";
}

// Whole unmasked frames and nothing else: anything that is left over fails the test.
inline std::vector<Frame> parse_frames(std::string_view bytes) {
  std::vector<Frame> frames;
  const auto byte = [&bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  while (!bytes.empty()) {
    if (bytes.size() < 2) {
      ADD_FAILURE() << "half a header";
      return frames;
    }
    const std::size_t short_length = byte(1);
    const std::size_t header = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
    std::size_t size = short_length < 126 ? short_length : 0;
    for (std::size_t i = 2; i < header && i < bytes.size(); ++i) size = size << 8U | byte(i);
    if (short_length > 127 || bytes.size() < header + size) {
      ADD_FAILURE() << "a masked frame or half of one behind " << frames.size() << " whole ones";
      return frames;
    }
    frames.push_back({byte(0), std::string(bytes.substr(header, size))});
    bytes.remove_prefix(header + size);
  }
  return frames;
}

inline std::string server_frame(protocol::Opcode opcode, std::string_view payload) {
  std::string frame(protocol::max_server_header_size, '\0');
  frame.resize(protocol::serialize_header(opcode, payload.size(), reinterpret_cast<std::byte*>(frame.data())));
  return frame.append(payload);
}

// As protocol::test::client_frame(): masked, `first_byte` as on the wire.
inline std::string client_frame(int first_byte, std::string_view payload) {
  return protocol::test::text(protocol::test::client_frame(first_byte, payload));
}

inline std::string close_payload(std::uint16_t code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)}.append(reason);
}

}  // namespace wsd::worker::test
