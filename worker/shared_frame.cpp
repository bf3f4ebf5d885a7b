#include "worker/shared_frame.h"

#include <cstring>
#include <new>

namespace wsd::worker {

SharedFrame::SharedFrame(MessageType type, std::string_view payload, protocol::Rsv1 rsv1) {
  const std::size_t header_size = protocol::server_header_size(payload.size());
  const std::size_t size = header_size + payload.size();
  block_ = new (::operator new(sizeof(Block) + size))
      Block{.references = 1, .queues = 0, .size = size, .header_size = header_size};
  const auto opcode = type == MessageType::text ? protocol::Opcode::text : protocol::Opcode::binary;
  protocol::serialize_header(opcode, payload.size(), block_->bytes(), protocol::Fin::yes, rsv1);
  if (!payload.empty()) std::memcpy(block_->bytes() + header_size, payload.data(), payload.size());
}

SharedFrame::SharedFrame(std::span<const std::byte> frames) {
  block_ = new (::operator new(sizeof(Block) + frames.size()))
      Block{.references = 1, .queues = 0, .size = frames.size(), .header_size = 0};
  if (!frames.empty()) std::memcpy(block_->bytes(), frames.data(), frames.size());
}

void SharedFrame::release() {
  if (block_ != nullptr && --block_->references == 0) ::operator delete(block_);
}

}  // namespace wsd::worker
