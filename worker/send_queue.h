// What a connection could not send yet: whole frames, in order, waiting for the kernel to take them.
//
// Not the usual way of a message: that goes from the output arena straight to the kernel. A queue exists only while
// something waits; its owner bounds it. Control frames go ahead of waiting data, but never into the middle of a frame
// (RFC 6455 §5.4: "Control frames MAY be injected in the middle of a fragmented message", and our messages are one
// frame each).

#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "worker/queue_memory.h"
#include "worker/shared_frame.h"

namespace wsd::worker {

class SendQueue {
 public:
  // `memory`: what it holds is counted there. Outlives it.
  explicit SendQueue(QueueMemory& memory) : memory_(memory) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  [[nodiscard]] bool empty() const { return chunks_.empty() && pong_.empty(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  // The memory that is taken, roughly, as far as it is not shared: many tiny frames cost more than their bytes.
  [[nodiscard]] std::size_t footprint() const { return size_ + chunks_.size() * sizeof(Chunk); }

  // The rest of something that the kernel took in part: goes before everything but what is already in progress. Its
  // first chunk counts as in progress.
  void append_rest(std::span<const iovec> pieces);
  // A whole frame, given in pieces.
  void append_frame(std::span<const iovec> pieces);
  // Frames that give way to newer ones of the same stream: a number of its own for each, or none.
  using Stream = std::uint64_t;
  static constexpr Stream no_stream = 0;
  // A whole frame that others share: not copied. One of a stream may be given up by drop_oldest().
  void append_shared(const SharedFrame& frame, Stream stream);
  // The rest of one, from `offset` on; a part is in progress as with append_rest().
  void append_rest(const SharedFrame& frame, std::size_t offset);
  // Gives up frames of the stream, oldest first, none that has begun to leave, until `size` bytes are free. How many
  // frames that cost: none if all of them together are not that much.
  std::size_t drop_oldest(Stream stream, std::size_t size);
  // A whole control frame, ahead of the data that has not begun to leave.
  void push_control(std::span<const std::byte> frame);
  // The same for a Pong, replacing one that still waits: §5.5.3 lets us answer only the latest Ping.
  void replace_pong(std::span<const std::byte> frame);

  // Everything that waits, in the order in which it would leave.
  [[nodiscard]] std::vector<std::byte> bytes();

  // Fills `pieces` from the front; returns how many it filled.
  [[nodiscard]] std::size_t gather(std::span<iovec> pieces);
  // The kernel took this many bytes of what gather() gave.
  void consume(std::size_t size);

 private:
  struct Chunk {
    std::vector<std::byte> own;
    QueueMemory::Share shared;  // instead of `own`
    QueueMemory::Charge charge;
    bool control = false;
    Stream stream = no_stream;
    [[nodiscard]] std::span<const std::byte> bytes() const { return shared ? shared.bytes() : std::span(own); }
  };

  [[nodiscard]] std::size_t next_boundary() const { return in_progress_ ? 1 : 0; }
  void insert_pong();

  [[nodiscard]] Chunk own_chunk(std::size_t size);

  QueueMemory& memory_;
  std::deque<Chunk> chunks_;     // each holds whole frames, save for the first when it is in progress
  std::vector<std::byte> pong_;  // not yet among the chunks
  std::size_t offset_ = 0;       // bytes of the first chunk that are gone
  bool in_progress_ = false;     // the first chunk begins, or has been sent up to, inside a frame
  std::size_t size_ = 0;
};

}  // namespace wsd::worker
