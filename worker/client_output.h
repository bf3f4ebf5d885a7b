// One connection's bytes on their way out: this turn's, in the arena, and those that the kernel did not take, in a
// queue.
//
// Whole frames go in; the order on the wire is the order of the calls, save for control frames, which pass data that
// waits in the queue. Owned by the connection, which also decides when to flush and what a dead stream means: every
// [[nodiscard]] bool here is false when the stream is dead, and then nothing more may be asked of it but clear().

#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/frame.h"
#include "worker/client_transport.h"
#include "worker/connection_context.h"
#include "worker/output_arena.h"
#include "worker/send_queue.h"
#include "worker/traffic.h"

namespace wsd::worker {

class ClientOutput {
 public:
  // From here up a payload is not copied into the arena if it lies in the input.
  static constexpr std::size_t worth_lending = 4096;

  // Where bytes go. Made for the length of a call.
  struct Way {
    ConnectionContext& context;
    ClientTransport& transport;
    Traffic& traffic;
  };

  // One unfragmented data frame, its payload gathered from pieces of `size` bytes together. Small ones are copied into
  // the arena; large ones leave uncopied: with the turn's output if they lie in the input that is being worked off, or
  // else at once, behind what the turn has produced so far.
  // `rsv1`: the payload is compressed.
  [[nodiscard]] bool send(const Way& way, protocol::Opcode opcode, std::initializer_list<std::string_view> pieces,
                          std::size_t size, protocol::Rsv1 rsv1 = protocol::Rsv1::no);
  // One frame that others send as well. Not copied unless it is small; while it waits in the queue, one of a stream may
  // be given up. `frame` itself must outlive the turn.
  using Stream = SendQueue::Stream;
  [[nodiscard]] bool send(const Way& way, const SharedFrame& frame, Stream stream);
  // The same, at once, by a write of its own. Everything else must have left.
  [[nodiscard]] bool send_alone(const Way& way, const SharedFrame& frame);
  // Makes room in the queue; how many frames that cost.
  std::size_t drop_oldest(Stream stream, std::size_t size) {
    return queue_ == nullptr ? 0 : queue_->drop_oldest(stream, size);
  }
  // What the turn has produced so far leaves now. Needed where it refers to the input (Reading in the context).
  [[nodiscard]] bool send_now(const Way& way) { return flush_chain(way); }
  // Bytes as they are: a response head, a Close frame.
  [[nodiscard]] bool send(const Way& way, std::span<const std::byte> bytes);
  // A Ping or a Pong. While the peer does not read, at most one Pong waits: the latest (§5.5.3).
  [[nodiscard]] bool send_control(const Way& way, protocol::Opcode opcode, std::span<const std::byte> payload);

  enum class Flushed : std::uint8_t { all, some, dead };
  // One write, for this turn's output or else for the queue, or else for what the transport has unsent.
  [[nodiscard]] Flushed flush(const Way& way);

  [[nodiscard]] bool empty() const { return chain_.empty() && queued() == 0; }
  [[nodiscard]] std::size_t size() const { return chain_.size() + queued(); }
  // Bytes that the kernel had no room for.
  [[nodiscard]] std::size_t queued() const { return queue_ == nullptr ? 0 : queue_->size(); }
  // The same with what it costs to keep them.
  [[nodiscard]] std::size_t queue_footprint() const { return queue_ == nullptr ? 0 : queue_->footprint(); }
  // The stream is gone, and what was to go with it.
  void clear();

  // For another process: what waits, which is everything once the turn's output was flushed.
  [[nodiscard]] std::vector<std::byte> waiting_bytes();
  // From another process: goes before everything else.
  void restore(ConnectionContext& context, std::span<const std::byte> waiting);

 private:
  // Null if the stream turned out to be dead when a full arena was flushed.
  [[nodiscard]] std::byte* extend(const Way& way, std::size_t size);
  [[nodiscard]] std::byte* extend(const Way& way, std::size_t size, std::span<const std::byte> lent);
  [[nodiscard]] std::string_view lendable(const Way& way, std::initializer_list<std::string_view> pieces) const;
  [[nodiscard]] bool write_large(const Way& way, std::span<const std::byte> header,
                                 std::initializer_list<std::string_view> pieces);
  [[nodiscard]] bool write_once(const Way& way, std::span<iovec> pieces);
  [[nodiscard]] bool flush_chain(const Way& way);
  void queue_rest(const Way& way, OutputArena::Pieces& pieces, std::size_t sent);
  [[nodiscard]] bool flush_queue(const Way& way);
  [[nodiscard]] static bool flush_unsent(const Way& way);
  SendQueue& queue(ConnectionContext& context);

  OutputArena::Chain chain_;
  std::unique_ptr<SendQueue> queue_;
  bool cleared_ = false;
};

}  // namespace wsd::worker
