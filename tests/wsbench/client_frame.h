// Frames as a client sends them (RFC 6455 §5.2): masked, each with a key of its own.

#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "protocol/frame.h"

namespace wsd::bench {

// Where masking keys come from: as cheap as a constant, begun with what the kernel says (§10.3 asks for keys that
// nobody can foresee; a load test has no proxy to deceive).
class MaskingKeys {
 public:
  MaskingKeys();

  protocol::MaskingKey next() {
    state_ ^= state_ << 13U;  // xorshift
    state_ ^= state_ >> 17U;
    state_ ^= state_ << 5U;
    protocol::MaskingKey key;
    std::memcpy(key.data(), &state_, key.size());
    return key;
  }

 private:
  std::uint32_t state_;
};

// Writes the header of a final frame to `to`, which has room for max_client_header_size bytes. Returns its end.
[[nodiscard]] char* write_client_header(char* to, protocol::Opcode opcode, std::size_t size,
                                        const protocol::MaskingKey& key, protocol::Rsv1 rsv1 = protocol::Rsv1::no);

// Appends a whole frame.
void append_client_frame(std::string& frames, protocol::Opcode opcode, std::string_view payload,
                         const protocol::MaskingKey& key, protocol::Rsv1 rsv1 = protocol::Rsv1::no);

// A whole frame.
[[nodiscard]] std::string client_frame(protocol::Opcode opcode, std::string_view payload,
                                       const protocol::MaskingKey& key);

}  // namespace wsd::bench
