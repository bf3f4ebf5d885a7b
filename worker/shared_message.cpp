#include "worker/shared_message.h"

#include "protocol/frame.h"

namespace wsd::worker {

SharedMessage::SharedMessage(MessageType type, std::string_view payload) : plain_(type, payload), type_(type) {}

std::string_view SharedMessage::payload() const {
  const std::string_view frame(reinterpret_cast<const char*>(plain_.bytes().data()), plain_.size());
  return frame.substr(plain_.header_size());
}

const SharedFrame& SharedMessage::compressed(std::uint8_t window_bits, Compression& compression) {
  const std::string_view message = payload();
  if (incompressible_ || !compression.is_worth(message.size())) return plain_;
  SharedFrame& frame = compressed_.at(window_bits - protocol::min_deflate_window_bits);
  if (frame) return frame;
  const auto bytes = compression.deflater(window_bits, message.size()).deflate({message}, message.size());
  incompressible_ = !bytes;
  if (!bytes) return plain_;
  frame = SharedFrame(type_, {reinterpret_cast<const char*>(bytes->data()), bytes->size()}, protocol::Rsv1::yes);
  return frame;
}

}  // namespace wsd::worker
