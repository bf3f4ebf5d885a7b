#include "worker/client_output.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

// From here up it is not copied wherever it lies: header and payload leave at once, as pieces of one writev.
constexpr std::size_t large_payload = 16 * 1024;
// Unless more input follows, whose answers may leave with it: then a copy is cheaper up to here.
constexpr std::size_t larger_payload = 64 * 1024;
// Up to here a shared frame is copied all the same: cheaper than a piece of its own in the writev.
constexpr std::size_t small_frame = 1024;
// A turn that produces more than this for one connection sends it early: the peer may as well begin to read. What one
// read brings is answered by less.
constexpr std::size_t early_flush = 256 * 1024;
// Pongs of one turn beyond this are merged into the latest.
constexpr std::size_t pongs_per_turn = 16 * 1024;
constexpr std::size_t max_pieces = OutputArena::Pieces::capacity;

iovec piece_of(const void* data, std::size_t size) {
  return {.iov_base = const_cast<void*>(data), .iov_len = size};
}

std::span<iovec> without_front(std::span<iovec> pieces, std::size_t size) {
  while (!pieces.empty() && size >= pieces.front().iov_len) {
    size -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (size > 0) {
    pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + size;
    pieces.front().iov_len -= size;
  }
  return pieces;
}

void count_sent(const ClientOutput::Way& way, std::size_t bytes) {
  way.context.counters.bytes_out.add(bytes);
  way.traffic.bytes_out += bytes;
}

}  // namespace

bool ClientOutput::send(const Way& way, protocol::Opcode opcode, std::initializer_list<std::string_view> pieces,
                        std::size_t size, protocol::Rsv1 rsv1) {
  const std::string_view lent = size >= worth_lending ? lendable(way, pieces) : std::string_view();
  const bool is_large = size >= large_payload && lent.empty() && (size >= larger_payload || !way.context.reading.more);
  if (is_large || queued() > 0) {
    std::array<std::byte, protocol::max_server_header_size> header;
    const std::size_t used = protocol::serialize_header(opcode, size, header.data(), protocol::Fin::yes, rsv1);
    return write_large(way, std::span(header).first(used), pieces);
  }
  const std::size_t copied = protocol::server_header_size(size) + size - lent.size();
  std::byte* room = lent.empty() ? extend(way, copied) : extend(way, copied, std::as_bytes(std::span(lent)));
  if (room == nullptr) return false;
  room += protocol::serialize_header(opcode, size, room, protocol::Fin::yes, rsv1);
  for (const std::string_view piece : std::span(pieces.begin(), pieces.size() - (lent.empty() ? 0 : 1))) {
    if (!piece.empty()) std::memcpy(room, piece.data(), piece.size());
    room += piece.size();
  }
  return chain_.size() < early_flush || flush_chain(way);
}

bool ClientOutput::send(const Way& way, const SharedFrame& frame, Stream stream) {
  if (queued() > 0) {
    if (!flush_chain(way)) return false;
    if (stream != SendQueue::no_stream || frame.size() > small_frame) {
      queue_->append_shared(frame, stream);
    } else {
      const iovec piece = piece_of(frame.bytes().data(), frame.size());
      queue_->append_frame({&piece, 1});
    }
    return true;
  }
  if (frame.size() <= small_frame) {
    std::byte* const room = extend(way, frame.size());
    if (room == nullptr) return false;
    std::memcpy(room, frame.bytes().data(), frame.size());
  } else if (!way.context.arena.extend(chain_, frame)) {
    way.context.flush();  // as in extend()
    if (cleared_) return false;
    WSD_ASSERT(way.context.arena.extend(chain_, frame));
  }
  return chain_.size() < early_flush || flush_chain(way);
}

bool ClientOutput::send_alone(const Way& way, const SharedFrame& frame) {
  const iovec piece = piece_of(frame.bytes().data(), frame.size());
  const Transfer transfer = way.transport.write({&piece, 1});
  if (transfer.status == Transfer::Status::failed) return false;
  count_sent(way, transfer.bytes);
  if (transfer.bytes < frame.size()) queue(way.context).append_rest(frame, transfer.bytes);
  return true;
}

bool ClientOutput::send(const Way& way, std::span<const std::byte> bytes) {
  if (queued() > 0) {
    const iovec piece = piece_of(bytes.data(), bytes.size());
    queue_->append_frame({&piece, 1});
  } else {
    std::byte* const room = extend(way, bytes.size());
    if (room == nullptr) return false;
    std::copy(bytes.begin(), bytes.end(), room);
  }
  return true;
}

bool ClientOutput::send_control(const Way& way, protocol::Opcode opcode, std::span<const std::byte> payload) {
  std::array<std::byte, 2 + protocol::max_control_payload> buffer;
  const std::size_t header_size = protocol::serialize_header(opcode, payload.size(), buffer.data());
  std::copy(payload.begin(), payload.end(), buffer.begin() + static_cast<std::ptrdiff_t>(header_size));
  const auto frame = std::span(buffer).first(header_size + payload.size());
  if (opcode == protocol::Opcode::pong && (queued() > 0 || chain_.size() >= pongs_per_turn)) {
    if (!flush_chain(way)) return false;
    queue(way.context).replace_pong(frame);
    return true;
  }
  if (queued() == 0) return send(way, frame);
  queue_->push_control(frame);
  return true;
}

[[gnu::always_inline]] inline std::byte* ClientOutput::extend(const Way& way, std::size_t size) {
  std::byte* room = way.context.arena.extend(chain_, size);
  if (room != nullptr) return room;
  way.context.flush();  // of this connection too, whose stream may be gone then, and `way` with it
  if (cleared_) return nullptr;
  room = way.context.arena.extend(chain_, size);
  WSD_ASSERT(room != nullptr);  // nothing larger than larger_payload comes here
  return room;
}

[[gnu::noinline]] std::byte* ClientOutput::extend(const Way& way, std::size_t size, std::span<const std::byte> lent) {
  std::byte* room = way.context.arena.extend(chain_, size, lent);
  if (room == nullptr) {
    way.context.flush();  // as above
    if (cleared_) return nullptr;
    room = way.context.arena.extend(chain_, size, lent);
    WSD_ASSERT(room != nullptr);
  }
  way.context.reading.lent = true;
  return room;
}

// The last piece, if it is large and lies in our input, where it stays until send_now(). Or nothing.
[[gnu::noinline]] std::string_view ClientOutput::lendable(const Way& way,
                                                          std::initializer_list<std::string_view> pieces) const {
  const std::string_view last = *(pieces.end() - 1);
  if (queued() > 0 || way.context.reading.output != this || last.size() < worth_lending) return {};
  const auto bytes = std::as_bytes(std::span(last));
  const auto input = way.context.read_buffer();
  const bool is_in_input = bytes.data() >= input.data() && bytes.data() + bytes.size() <= input.data() + input.size();
  return is_in_input ? last : std::string_view();
}

bool ClientOutput::write_large(const Way& way, std::span<const std::byte> header,
                               std::initializer_list<std::string_view> pieces) {
  if (!flush_chain(way)) return false;
  if (pieces.size() >= max_pieces) {
    std::string joined;
    for (const std::string_view piece : pieces) joined += piece;
    return write_large(way, header, {joined});
  }
  std::array<iovec, max_pieces> gathered;
  std::size_t count = 0;
  gathered[count++] = piece_of(header.data(), header.size());
  for (const std::string_view piece : pieces) {
    if (!piece.empty()) gathered[count++] = piece_of(piece.data(), piece.size());
  }
  const auto frame = std::span(gathered).first(count);
  if (queued() == 0) return write_once(way, frame);
  queue_->append_frame(frame);
  return true;
}

// Everything goes out with one write, and what the kernel does not take into the queue, which is empty.
bool ClientOutput::write_once(const Way& way, std::span<iovec> pieces) {
  const Transfer transfer = way.transport.write(pieces);
  if (transfer.status == Transfer::Status::failed) return false;
  count_sent(way, transfer.bytes);
  const auto rest = without_front(pieces, transfer.bytes);
  if (!rest.empty()) queue(way.context).append_rest(rest);
  return true;
}

bool ClientOutput::flush_chain(const Way& way) {
  while (!chain_.empty()) {
    OutputArena::Pieces pieces;
    const std::size_t before = chain_.size();
    OutputArena::take(chain_, pieces);
    const std::size_t size = before - chain_.size();
    std::size_t sent = 0;
    if (queued() == 0) {
      const Transfer transfer = way.transport.write(std::span(pieces.data).first(pieces.count));
      if (transfer.status == Transfer::Status::failed) return false;
      count_sent(way, transfer.bytes);
      sent = transfer.bytes;
    }
    if (sent < size) queue_rest(way, pieces, sent);
  }
  return true;
}

// What the kernel has not taken of the turn's output: shared frames by reference, the rest copied together.
void ClientOutput::queue_rest(const Way& way, OutputArena::Pieces& pieces, std::size_t sent) {
  std::size_t i = 0;
  for (; i < pieces.count && sent >= pieces.data[i].iov_len; ++i) sent -= pieces.data[i].iov_len;
  while (i < pieces.count) {
    if (pieces.frames[i] != nullptr) {
      queue(way.context).append_rest(*pieces.frames[i++], std::exchange(sent, 0));
      continue;
    }
    const std::size_t begin = i;
    while (i < pieces.count && pieces.frames[i] == nullptr) ++i;
    queue(way.context)
        .append_rest(without_front(std::span(pieces.data).subspan(begin, i - begin), std::exchange(sent, 0)));
  }
}

bool ClientOutput::flush_queue(const Way& way) {
  std::array<iovec, max_pieces> pieces;
  const Transfer transfer = way.transport.write(std::span(pieces).first(queue_->gather(pieces)));
  if (transfer.status == Transfer::Status::failed) return false;
  count_sent(way, transfer.bytes);
  queue_->consume(transfer.bytes);
  if (queue_->empty()) queue_.reset();
  return true;
}

bool ClientOutput::flush_unsent(const Way& way) {
  return !way.transport.has_unsent() || way.transport.write({}).status != Transfer::Status::failed;
}

ClientOutput::Flushed ClientOutput::flush(const Way& way) {
  const bool alive = !chain_.empty() ? flush_chain(way) : queued() > 0 ? flush_queue(way) : flush_unsent(way);
  if (!alive) return Flushed::dead;
  return queued() == 0 && !way.transport.has_unsent() ? Flushed::all : Flushed::some;
}

void ClientOutput::clear() {
  chain_ = {};
  queue_.reset();
  cleared_ = true;
}

std::vector<std::byte> ClientOutput::waiting_bytes() {
  WSD_ASSERT(chain_.empty());
  return queue_ == nullptr ? std::vector<std::byte>() : queue_->bytes();
}

void ClientOutput::restore(ConnectionContext& context, std::span<const std::byte> waiting) {
  if (waiting.empty()) return;
  const iovec piece = piece_of(waiting.data(), waiting.size());
  queue(context).append_rest({&piece, 1});
}

SendQueue& ClientOutput::queue(ConnectionContext& context) {
  if (queue_ == nullptr) queue_ = std::make_unique<SendQueue>(context.queue_memory);
  return *queue_;
}

}  // namespace wsd::worker
