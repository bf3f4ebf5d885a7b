// Bytes for tests: literals, masked client frames, and inputs cut into pieces.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.h"

namespace wsd::protocol::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<int> values) {
  Bytes result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

inline Bytes bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span{text});
  return {view.begin(), view.end()};
}

inline std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes operator+(const Bytes& left, const Bytes& right) {
  Bytes both(left.size() + right.size());
  std::ranges::copy(right, std::ranges::copy(left, both.begin()).out);
  return both;
}

inline constexpr MaskingKey test_key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};

// What a client sends: `first_byte` as it stands on the wire (0x81: FIN and text), the payload masked with test_key.
inline Bytes client_frame(int first_byte, std::string_view payload) {
  Bytes frame(max_server_header_size);
  frame.resize(serialize_header(Opcode::text, payload.size(), frame.data()));
  frame[0] = static_cast<std::byte>(first_byte);
  frame[1] |= std::byte{0x80};
  frame.insert(frame.end(), test_key.begin(), test_key.end());
  for (std::size_t i = 0; i < payload.size(); ++i) frame.push_back(std::byte(payload[i]) ^ test_key[i % 4]);
  return frame;
}

// Calls `run` with the whole input in one piece, in two pieces for every cut, and byte by byte.
inline void for_each_cutting(const Bytes& input, const std::function<void(const std::vector<Bytes>&)>& run) {
  run({input});
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    const auto middle = input.begin() + static_cast<std::ptrdiff_t>(cut);
    run({Bytes(input.begin(), middle), Bytes(middle, input.end())});
  }
  std::vector<Bytes> single;
  for (const std::byte byte : input) single.push_back({byte});
  run(single);
}

}  // namespace wsd::protocol::test
