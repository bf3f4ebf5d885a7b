// One whole data frame as it goes on the wire, made once and shared by every queue it waits in.
//
// A counted reference to immutable bytes. The count is a plain number: frames never leave their worker's one thread.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "protocol/frame.h"

namespace wsd::worker {

class SharedFrame {
 public:
  SharedFrame() = default;  // none
  // An unfragmented frame with this payload; `rsv1`: it is compressed.
  SharedFrame(MessageType type, std::string_view payload, protocol::Rsv1 rsv1 = protocol::Rsv1::no);
  // Whole frames, one behind another, which stay together from here on.
  explicit SharedFrame(std::span<const std::byte> frames);
  SharedFrame(const SharedFrame& other) : block_(other.block_) {
    if (block_ != nullptr) ++block_->references;
  }
  SharedFrame(SharedFrame&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedFrame& operator=(SharedFrame other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedFrame() { release(); }

  explicit operator bool() const { return block_ != nullptr; }
  // Header and payload. Live as long as any reference to the frame.
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return block_ == nullptr ? std::span<const std::byte>() : std::span<const std::byte>(block_->bytes(), block_->size);
  }
  [[nodiscard]] std::size_t size() const { return block_ == nullptr ? 0 : block_->size; }
  // Where the payload begins.
  [[nodiscard]] std::size_t header_size() const { return block_ == nullptr ? 0 : block_->header_size; }

  // For send queues, which count what they hold. True for the first one it enters, and for the last one it leaves.
  [[nodiscard]] bool enter_queue() const { return block_->queues++ == 0; }
  [[nodiscard]] bool leave_queue() const { return --block_->queues == 0; }

 private:
  struct Block {
    std::size_t references;
    std::size_t queues;
    std::size_t size;
    std::size_t header_size;
    [[nodiscard]] std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  };

  void release();

  Block* block_ = nullptr;
};

}  // namespace wsd::worker
