#include "protocol/client_frame.h"

#include <array>

#include "protocol/mask.h"

namespace wsd::protocol {

MaskingKey rotate(const MaskingKey& key, std::size_t phase) {
  return {key[phase % 4], key[(phase + 1) % 4], key[(phase + 2) % 4], key[(phase + 3) % 4]};
}

void append_client_header(std::vector<std::byte>& bytes, const FrameHeader& header) {
  std::array<std::byte, max_server_header_size> unmasked;
  const std::size_t size = serialize_header(header.opcode, header.payload_length, unmasked.data(),
                                            header.fin ? Fin::yes : Fin::no, header.rsv1 ? Rsv1::yes : Rsv1::no);
  unmasked[1] |= std::byte{0x80};
  bytes.insert(bytes.end(), unmasked.begin(), unmasked.begin() + static_cast<std::ptrdiff_t>(size));
  bytes.insert(bytes.end(), header.masking_key.begin(), header.masking_key.end());
}

void append_client_payload(std::vector<std::byte>& bytes, const FrameHeader& header,
                           std::span<const std::byte> payload) {
  append_client_header(bytes, header);
  const std::size_t begin = bytes.size();
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  unmask(std::span(bytes).subspan(begin), header.masking_key, 0);
}

}  // namespace wsd::protocol
