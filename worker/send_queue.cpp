#include "worker/send_queue.h"

#include <algorithm>
#include <utility>

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

// Small frames share a chunk up to this size: one allocation for many, and still a boundary near for control frames.
constexpr std::size_t shared_chunk_size = 16 * 1024;

std::size_t total_size(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

void append_pieces(std::vector<std::byte>& bytes, std::span<const iovec> pieces) {
  for (const iovec& piece : pieces) {
    const auto* begin = static_cast<const std::byte*>(piece.iov_base);
    bytes.insert(bytes.end(), begin, begin + piece.iov_len);
  }
}

}  // namespace

// One that is to have so many bytes of its own.
SendQueue::Chunk SendQueue::own_chunk(std::size_t size) {
  Chunk chunk;
  chunk.charge = QueueMemory::Charge(memory_);
  chunk.charge.add(sizeof(Chunk) + size);
  chunk.own.reserve(size);
  return chunk;
}

void SendQueue::append_rest(std::span<const iovec> pieces) {
  Chunk chunk = own_chunk(total_size(pieces));
  append_pieces(chunk.own, pieces);
  size_ += chunk.own.size();
  if (chunks_.empty()) in_progress_ = true;
  chunks_.push_back(std::move(chunk));
}

void SendQueue::append_frame(std::span<const iovec> pieces) {
  const std::size_t size = total_size(pieces);
  const bool shares = chunks_.size() > next_boundary() && !chunks_.back().control && !chunks_.back().shared &&
                      chunks_.back().own.size() + size <= shared_chunk_size;
  if (shares) {
    chunks_.back().charge.add(size);
  } else {
    chunks_.push_back(own_chunk(size));
  }
  append_pieces(chunks_.back().own, pieces);
  size_ += size;
}

void SendQueue::append_shared(const SharedFrame& frame, Stream stream) {
  Chunk chunk = own_chunk(0);
  chunk.shared = QueueMemory::Share(memory_, frame);
  chunk.stream = stream;
  chunks_.push_back(std::move(chunk));
  size_ += frame.size();
}

void SendQueue::append_rest(const SharedFrame& frame, std::size_t offset) {
  if (chunks_.empty()) {
    offset_ = offset;
    in_progress_ = offset > 0;
  }
  WSD_ASSERT(offset == 0 || chunks_.empty());
  append_shared(frame, no_stream);
  size_ -= offset;
}

std::size_t SendQueue::drop_oldest(Stream stream, std::size_t size) {
  const auto first = chunks_.begin() + static_cast<std::ptrdiff_t>(std::min(next_boundary(), chunks_.size()));
  std::size_t droppable = 0;
  for (auto chunk = first; chunk != chunks_.end(); ++chunk) {
    if (chunk->stream == stream) droppable += chunk->bytes().size();
  }
  if (droppable < size) return 0;
  std::size_t freed = 0;
  const auto give_up = [&](const Chunk& chunk) {
    if (chunk.stream != stream || freed >= size) return false;
    freed += chunk.bytes().size();
    return true;
  };
  const auto kept = std::remove_if(first, chunks_.end(), give_up);
  const auto count = static_cast<std::size_t>(chunks_.end() - kept);
  chunks_.erase(kept, chunks_.end());
  size_ -= freed;
  return count;
}

void SendQueue::push_control(std::span<const std::byte> frame) {
  const auto position = chunks_.begin() + static_cast<std::ptrdiff_t>(next_boundary());
  Chunk chunk = own_chunk(frame.size());
  chunk.own.assign(frame.begin(), frame.end());
  chunk.control = true;
  chunks_.insert(position, std::move(chunk));
  size_ += frame.size();
}

void SendQueue::replace_pong(std::span<const std::byte> frame) {
  size_ = size_ - pong_.size() + frame.size();
  pong_.assign(frame.begin(), frame.end());
}

void SendQueue::insert_pong() {
  const std::size_t position = next_boundary();
  if (position < chunks_.size() && chunks_[position].control)
    return;  // one is about to leave: the newer one waits its turn
  size_ -= pong_.size();
  push_control(std::exchange(pong_, {}));
}

std::size_t SendQueue::gather(std::span<iovec> pieces) {
  if (!pong_.empty()) insert_pong();
  std::size_t count = 0;
  for (auto chunk = chunks_.begin(); chunk != chunks_.end() && count < pieces.size(); ++chunk) {
    const std::size_t skip = count == 0 ? offset_ : 0;
    const auto bytes = chunk->bytes().subspan(skip);
    pieces[count++] = {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  }
  return count;
}

std::vector<std::byte> SendQueue::bytes() {
  if (!pong_.empty()) insert_pong();
  std::vector<std::byte> all;
  all.reserve(size_);
  for (const Chunk& chunk : chunks_) all.insert(all.end(), chunk.bytes().begin(), chunk.bytes().end());
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(offset_));
  all.insert(all.end(), pong_.begin(), pong_.end());  // one that waits behind another
  return all;
}

void SendQueue::consume(std::size_t size) {
  size_ -= size;
  while (!chunks_.empty() && size >= chunks_.front().bytes().size() - offset_) {
    size -= chunks_.front().bytes().size() - offset_;
    chunks_.pop_front();
    offset_ = 0;
    in_progress_ = false;
  }
  if (size > 0) {
    offset_ += size;
    in_progress_ = true;
  }
}

}  // namespace wsd::worker
