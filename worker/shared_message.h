// One message for many connections: its frame as it is, and compressed frames, each made once, when the first that can
// read it asks.
//
// Owned by the context of the connections, at one address, since the output of a turn refers to its frames.

#pragma once

#include <wsd/message.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/permessage_deflate.h"
#include "worker/compression.h"
#include "worker/shared_frame.h"

namespace wsd::worker {

class SharedMessage {
 public:
  SharedMessage(MessageType type, std::string_view payload);
  SharedMessage(const SharedMessage&) = delete;
  SharedMessage& operator=(const SharedMessage&) = delete;

  [[nodiscard]] MessageType type() const { return type_; }
  [[nodiscard]] std::string_view payload() const;
  [[nodiscard]] const SharedFrame& plain() const { return plain_; }
  // Without context, for clients with a window of that size. The plain one if compression is not worth it.
  [[nodiscard]] const SharedFrame& compressed(std::uint8_t window_bits, Compression& compression);

 private:
  SharedFrame plain_;
  std::array<SharedFrame, protocol::max_deflate_window_bits - protocol::min_deflate_window_bits + 1> compressed_;
  MessageType type_;
  bool incompressible_ = false;
};

}  // namespace wsd::worker
