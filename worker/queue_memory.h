// What the send queues of a worker hold of its memory, all together. A frame that waits in many of them is there once.

#pragma once

#include <cstddef>
#include <utility>

#include "worker/shared_frame.h"

namespace wsd::worker {

class QueueMemory {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  // Bytes that a queue has for itself, as long as this lives. `memory` outlives it.
  class Charge {
   public:
    Charge() = default;
    explicit Charge(QueueMemory& memory) : memory_(&memory) {}
    Charge(Charge&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Charge& operator=(Charge&& other) noexcept {
      std::swap(memory_, other.memory_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~Charge() {
      if (memory_ != nullptr) memory_->size_ -= size_;
    }

    void add(std::size_t size) {
      size_ += size;
      memory_->size_ += size;
    }

   private:
    QueueMemory* memory_ = nullptr;
    std::size_t size_ = 0;
  };

  // A frame of many, in one of their queues.
  class Share {
   public:
    Share() = default;
    Share(QueueMemory& memory, const SharedFrame& frame) : memory_(&memory), frame_(frame) {
      if (frame_.enter_queue()) memory.size_ += frame_.size();
    }
    Share(Share&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), frame_(std::move(other.frame_)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(memory_, other.memory_);
      std::swap(frame_, other.frame_);
      return *this;
    }
    ~Share() {
      if (memory_ != nullptr && frame_.leave_queue()) memory_->size_ -= frame_.size();
    }

    explicit operator bool() const { return static_cast<bool>(frame_); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return frame_.bytes(); }

   private:
    QueueMemory* memory_ = nullptr;
    SharedFrame frame_;
  };

 private:
  std::size_t size_ = 0;
};

}  // namespace wsd::worker
