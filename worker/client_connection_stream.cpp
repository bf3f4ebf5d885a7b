// The stream's bytes, in and out, and what the poller is asked to tell of it.

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "worker/client_connection.h"

namespace wsd::worker {

namespace {

// Bytes of one message that are read before the others have their turn.
constexpr std::size_t most_in_room = 1024 * 1024;

}  // namespace

// At every readiness; the compiler would rather call it.
[[gnu::always_inline]] inline void ClientConnection::receive() {
  if (has_held_input()) take_held_input();  // what was read first comes first
  if (is_gone() || paused_) return;
  auto room = session_.room();  // of a large message, which is not copied then
  room = room.first(std::min(room.size(), most_in_room));
  const auto buffer = context_.read_buffer();
  const Transfer transfer = transport_.read(room, buffer);
  if (!movable_) watch();  // it may have become ready, or have something of its own to send
  switch (transfer.status) {
    case Transfer::Status::done:
      context_.counters.bytes_in.add(transfer.bytes);
      traffic_.bytes_in += transfer.bytes;
      missed_pings_ = 0;
      if (transfer.more) watch_anew();
      take_read(room, buffer, transfer.bytes);
      if (!movable_ && !is_gone() && transport_.has_buffered_input()) context_.resumed.push_back(id_);
      return;
    case Transfer::Status::would_block:
      return;
    case Transfer::Status::ended:
      return end_of_stream();
    case Transfer::Status::failed:
      return lose();
  }
}

void ClientConnection::handle_ready(std::uint32_t events) {
  if (is_gone()) return;
  if ((events & EPOLLOUT) != 0) touch();  // the queue goes on with this turn's flush
  if (paused_ || peer_closed_) {
    // Nothing is read, so an error or a hang-up would wake us again and again.
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) lose();
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    receive();
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) watch_anew();  // an end, behind what was read just now
  }
}

// So many bytes, in `room` and from the front of `buffer`.
void ClientConnection::take_read(std::span<std::byte> room, std::span<std::byte> buffer, std::size_t size) {
  if (room.empty() && size < ClientOutput::worth_lending) return take_input(buffer.first(size));
  const std::size_t in_room = std::min(size, room.size());
  context_.reading = {.output = &output_, .more = size > in_room};
  if (in_room > 0) take_input(room.first(in_room));
  context_.reading.more = false;
  if (size > in_room) take_input(buffer.first(size - in_room));
  const bool lent = std::exchange(context_.reading, {}).lent;
  if (lent && !is_gone() && !output_.send_now(way())) lose();
}

void ClientConnection::take_input(std::span<std::byte> input) {
  if (phase_ == Phase::opening) take_opening(input);
  if (phase_ == Phase::open || phase_ == Phase::closing) take_frames(input);
}

void ClientConnection::hold_input(std::span<const std::byte> input) {
  if (input.empty()) return;
  extras().held_input.assign(input.begin(), input.end());
}

void ClientConnection::take_held_input() {
  if (paused_ || !has_held_input()) return;
  auto held = std::exchange(extras_->held_input, {});
  forget_extras_if_empty();
  take_input(held);
}

void ClientConnection::take_waiting_input() {
  if (is_gone() || paused_) return;
  if (peer_closed_ || !transport_.has_buffered_input()) return take_held_input();
  receive();
}

void ClientConnection::pause_receive() {
  if (phase_ != Phase::open) return;
  paused_ = true;
  watch();
}

void ClientConnection::resume_receive() {
  if (!paused_) return;
  paused_ = false;
  watch();
  if (has_held_input() || transport_.has_buffered_input()) context_.resumed.push_back(id_);
}

void ClientConnection::send_bytes(std::span<const std::byte> bytes) {
  if (!output_.send(way(), bytes)) return lose();
  touch();
}

void ClientConnection::flush() {
  if (!is_gone() && (output_.size() > 0 || transport_.has_unsent())) {
    const std::size_t waiting = output_.queued();
    const auto flushed = output_.flush(way());
    if (output_.queued() < waiting) missed_pings_ = 0;  // it reads: slowly, but it lives
    if (flushed == ClientOutput::Flushed::dead) lose();
    if (flushed == ClientOutput::Flushed::all) note_drained();
  }
  if (phase_ == Phase::lingering && output_.size() == 0 && !transport_.has_unsent()) part();
  watch();
  touched_ = false;
}

// Edge-triggered as long as nothing waits to be written: the kernel then tells of new bytes once, and need not look at
// the socket again before the loop sleeps. A read that comes back short has taken everything there was (epoll(7)); what
// else there may be is asked for by watch_anew(). A TLS handshake is put off while others have their turn.
std::uint32_t ClientConnection::wanted_events() const {
  const std::uint32_t readable = paused_ || peer_closed_ ? 0 : std::uint32_t{EPOLLIN | EPOLLRDHUP};
  const bool can_write = output_.queued() > 0 && transport_.is_ready();
  if (can_write || transport_.has_unsent()) return readable | EPOLLOUT;
  return movable_ || transport_.is_ready() ? readable | EPOLLET : readable;
}

void ClientConnection::unwatch() {
  if (watched_) context_.poller.remove(transport_.descriptor());
  watched_ = false;
}

void ClientConnection::watch() {
  if (is_gone() || wanted_events() == watched_events_) return;
  watched_events_ = wanted_events();
  context_.poller.change(transport_.descriptor(), *this, watched_events_);
}

// What has been told is told once more, if it is still so.
void ClientConnection::watch_anew() {
  if (!watched_ || (watched_events_ & EPOLLET) == 0) return;
  context_.poller.change(transport_.descriptor(), *this, watched_events_);
}

}  // namespace wsd::worker
