#include "tests/wsbench/client_frame.h"

#include <sys/random.h>

#include "protocol/mask.h"

namespace wsd::bench {

MaskingKeys::MaskingKeys() : state_(1) {
  if (::getrandom(&state_, sizeof state_, 0) != sizeof state_ || state_ == 0) state_ = 1;
}

char* write_client_header(char* to, protocol::Opcode opcode, std::size_t size, const protocol::MaskingKey& key,
                          protocol::Rsv1 rsv1) {
  auto* const bytes = reinterpret_cast<std::byte*>(to);
  to += protocol::serialize_header(opcode, size, bytes, protocol::Fin::yes, rsv1);
  bytes[1] |= std::byte{0x80};
  std::memcpy(to, key.data(), key.size());
  return to + key.size();
}

std::string client_frame(protocol::Opcode opcode, std::string_view payload, const protocol::MaskingKey& key) {
  std::string frame(protocol::max_client_header_size + payload.size(), '\0');
  char* const start = write_client_header(frame.data(), opcode, payload.size(), key);
  std::memcpy(start, payload.data(), payload.size());
  protocol::unmask({reinterpret_cast<std::byte*>(start), payload.size()}, key, 0);
  frame.resize(static_cast<std::size_t>(start - frame.data()) + payload.size());
  return frame;
}

}  // namespace wsd::bench
