#include "tests/load/client_frame.h"

#include <random>

#include "tests/load/mask.h"

namespace wsd::load {

std::string client_header(std::uint8_t opcode, std::size_t size, bool is_final) {
  std::string header{static_cast<char>((is_final ? 0x80U : 0U) | opcode)};
  std::size_t length_size = 0;
  if (size < 126) {
    header.push_back(static_cast<char>(0x80U | size));
  } else {
    length_size = size < 65536 ? 2 : 8;
    header.push_back(static_cast<char>(0x80U | (length_size == 2 ? 126U : 127U)));
  }
  for (std::size_t i = length_size; i > 0; --i) header.push_back(static_cast<char>((size >> (8 * (i - 1))) & 0xFFU));
  return header;
}

std::string masked_frame(std::uint8_t opcode, std::string_view payload, bool is_final) {
  static std::mt19937 random{std::random_device{}()};
  const auto key = static_cast<std::uint32_t>(random());
  std::string frame = client_header(opcode, payload.size(), is_final);
  frame.append(reinterpret_cast<const char*>(&key), sizeof key);
  const std::size_t start = frame.size();
  frame.append(payload);
  mask_in_place(frame.data() + start, payload.size(), key);
  return frame;
}

}  // namespace wsd::load
