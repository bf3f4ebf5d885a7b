// permessage-deflate (RFC 7692) as a client has it: what it offers, whether the server's answer keeps to that, and the
// messages' bytes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/deflate_stream.h"
#include "protocol/permessage_deflate.h"

namespace wsd::bench {

// The value of Sec-WebSocket-Extensions. With `takeover` both sides may refer back to earlier messages.
[[nodiscard]] std::string deflate_offer(protocol::ContextTakeover takeover);

// What the server's answer agrees on. Throws std::invalid_argument, with a sentence for people, where the answer is
// none to deflate_offer(takeover).
[[nodiscard]] protocol::DeflateParameters agreed_deflate(std::string_view answer, protocol::ContextTakeover takeover);

// One direction each. Without takeover one of it serves all connections of a thread; with it, each needs its own.
class ClientDeflate {
 public:
  // `level`: zlib's, 1 to 9. The buffers outlive it, and may serve others.
  ClientDeflate(const protocol::DeflateParameters& agreed, std::uint8_t level, protocol::ScratchBuffer& compressed,
                protocol::ScratchBuffer& inflated);

  // The payload to send with RSV1, valid until the buffer's next use. Nothing: send the message as it is.
  [[nodiscard]] std::optional<std::span<const std::byte>> compress(std::string_view message) {
    return deflater_.deflate({message}, message.size());
  }
  // The message behind the payload of all its frames, valid until the buffer's next use. Nothing: it is corrupt, or
  // larger than `max_size`.
  [[nodiscard]] std::optional<std::span<const std::byte>> inflate(std::span<const std::byte> payload,
                                                                  std::uint64_t max_size) {
    if (inflater_.inflate(payload, max_size) != protocol::Inflater::Result::whole) return std::nullopt;
    return inflater_.message();
  }

 private:
  protocol::Deflater deflater_;
  protocol::Inflater inflater_;
};

}  // namespace wsd::bench
