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

void append_client_frame(std::string& frames, protocol::Opcode opcode, std::string_view payload,
                         const protocol::MaskingKey& key, protocol::Rsv1 rsv1) {
  const std::size_t begin = frames.size();
  frames.resize(begin + protocol::max_client_header_size + payload.size());
  char* const start = write_client_header(frames.data() + begin, opcode, payload.size(), key, rsv1);
  std::memcpy(start, payload.data(), payload.size());
  protocol::unmask({reinterpret_cast<std::byte*>(start), payload.size()}, key, 0);
  frames.resize(static_cast<std::size_t>(start - frames.data()) + payload.size());
}

std::string client_frame(protocol::Opcode opcode, std::string_view payload, const protocol::MaskingKey& key) {
  std::string frame;
  append_client_frame(frame, opcode, payload, key);
  return frame;
}

}  // namespace wsd::bench
