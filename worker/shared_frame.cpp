#include "worker/shared_frame.h"

#include <cstring>
#include <new>

#include "protocol/frame.h"

namespace wsd::worker {

SharedFrame::SharedFrame(MessageType type, std::string_view payload) {
  const std::size_t size = protocol::server_header_size(payload.size()) + payload.size();
  block_ = new (::operator new(sizeof(Block) + size)) Block{.references = 1, .size = size};
  const auto opcode = type == MessageType::text ? protocol::Opcode::text : protocol::Opcode::binary;
  const std::size_t header = protocol::serialize_header(opcode, payload.size(), block_->bytes());
  if (!payload.empty()) std::memcpy(block_->bytes() + header, payload.data(), payload.size());
}

void SharedFrame::release() {
  if (block_ != nullptr && --block_->references == 0) ::operator delete(block_);
}

}  // namespace wsd::worker
