#include "tests/load/client_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "tests/load/client_frame.h"
#include "tests/load/handshake.h"

namespace wsd::load {
LoadContext::LoadContext(const Options& run_options)
    : options(run_options),
      epoll(::epoll_create1(EPOLL_CLOEXEC)),
      messages(options.size, options.is_binary, options.prefix),
      read_buffer(256 * 1024),
      write_buffer(options.pipeline * messages.frame_size()) {}

bool ClientConnection::connect() {
  const Options& options = context_.options;
  reader_ = FrameReader{};
  has_close_ = false;
  sent_ = answered_ = owed_ = 0;
  unsent_.clear();
  key_ = random_key();
  const std::string host = options.host + ":" + std::to_string(options.port);
  if (!socket_.connect(options.host, options.port, context_.epoll, this, 0, options.is_secure)) {
    ++context_.errors.connect;
    socket_.close();
    return false;
  }
  state_ = State::handshaking;
  send_or_keep(upgrade_request(host, options.path, key_));
  return true;
}

void ClientConnection::send_messages(std::size_t count) {
  if (!unsent_.empty()) {
    owed_ += count;
    return;
  }
  const Clock::time_point now = Clock::now();
  char* const start = context_.write_buffer.data();
  char* end = start;
  for (std::size_t i = 0; i < count; ++i, ++sent_) {
    sent_at_[sent_ % sent_at_.size()] = now;
    end = context_.messages.write_frame(end, sent_);
  }
  send_or_keep({start, static_cast<std::size_t>(end - start)});
}

void ClientConnection::send_close() {
  state_ = State::closing;
  send_or_keep(masked_frame(close_opcode, normal_closure));
}

void ClientConnection::disconnect() {
  socket_.close();
  state_ = State::idle;
}

ClientConnection::Arrival ClientConnection::handle(std::uint32_t epoll_events) {
  if ((epoll_events & EPOLLOUT) != 0) send_the_rest();
  if ((epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return {};
  return receive();
}

ClientConnection::Arrival ClientConnection::receive() {
  Arrival arrival;
  const ClientSocket::Received received = socket_.receive(context_.read_buffer);
  std::span<const char> bytes(context_.read_buffer.data(), received.size);
  if (state_ == State::handshaking) read_head(bytes, arrival);
  if (state_ == State::open || state_ == State::closing) read_frames(bytes, arrival);
  if (received.is_end && state_ == State::closing && has_close_) {
    arrival.ended = true;
    disconnect();
  } else if (received.is_end && state_ != State::idle) {
    fail(context_.errors.closed, arrival);
  }
  return arrival;
}

void ClientConnection::read_head(std::span<const char>& bytes, Arrival& arrival) {
  const std::size_t old_size = head_.size();
  head_.append(bytes.data(), bytes.size());
  const auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::size_t used = end + 4 - old_size;
  bytes = bytes.subspan(used);
  if (accepts_upgrade(std::string_view(head_).substr(0, end), key_)) {
    state_ = State::open;
    arrival.opened = true;
  } else {
    fail(context_.errors.handshake, arrival);
  }
  head_ = {};  // 10,000 idle clients need not keep theirs
  key_ = {};
}

void ClientConnection::read_frames(std::span<const char> bytes, Arrival& arrival) {
  FrameReader::Piece piece;
  FrameReader::Step step{};
  while ((step = reader_.next(bytes, piece)) == FrameReader::Step::piece) {
    if (!read_piece(piece, arrival)) return fail(context_.errors.wrong, arrival);
  }
  if (step == FrameReader::Step::failed) return fail(context_.errors.wrong, arrival);
  if (arrival.answers == 0) return;
  const Clock::time_point now = Clock::now();
  for (std::uint64_t number = answered_ - arrival.answers; number < answered_; ++number) {
    context_.latencies.record(now - sent_at_[number % sent_at_.size()]);
  }
}

bool ClientConnection::read_piece(const FrameReader::Piece& piece, Arrival& arrival) {
  if (piece.opcode >= close_opcode) return read_control(piece);
  const EchoMessages& messages = context_.messages;
  const bool is_expected = piece.opcode == messages.opcode() && piece.is_final && answered_ < sent_ &&
                           messages.is_answer(answered_, piece.offset, piece.bytes);
  if (!is_expected || !piece.ends_frame) return is_expected;
  ++answered_;
  ++arrival.answers;
  return piece.offset + piece.bytes.size() == messages.answer_size();
}

bool ClientConnection::read_control(const FrameReader::Piece& piece) {
  control_.append(piece.bytes.data(), piece.bytes.size());
  if (!piece.ends_frame) return control_.size() <= 125;
  if (piece.opcode == ping_opcode) send_or_keep(masked_frame(pong_opcode, control_));
  if (piece.opcode == close_opcode) has_close_ = true;
  control_.clear();
  return true;
}

void ClientConnection::send_or_keep(std::string_view bytes) {
  if (!unsent_.empty()) {
    unsent_.append(bytes);
    return;
  }
  // A connection that has failed is noticed when it is read.
  bytes.remove_prefix(socket_.send(bytes).value_or(bytes.size()));
  if (bytes.empty()) return;
  unsent_ = bytes;
  socket_.watch_writable(true);
}

void ClientConnection::send_the_rest() {
  unsent_.erase(0, socket_.send(unsent_).value_or(unsent_.size()));
  if (!unsent_.empty()) return;
  socket_.watch_writable(false);
  if (owed_ > 0) send_messages(std::exchange(owed_, 0));
}

void ClientConnection::fail(std::size_t& error, Arrival& arrival) {
  ++error;
  arrival.ended = true;
  disconnect();
}

}  // namespace wsd::load
