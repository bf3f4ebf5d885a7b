#include "tests/wsbench/connection.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace wsd::bench {

using protocol::Opcode;

namespace {

constexpr std::size_t read_buffer_size = 256 * 1024;
constexpr std::size_t longest_head = 64 * 1024;
constexpr std::string_view normal_closure{"\x03\xE8", 2};  // 1000

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What a Close said.
std::string close_text(std::string_view payload) {
  if (payload.size() < 2) return "without a status";
  const unsigned code = static_cast<std::uint8_t>(payload[0]) * 256U + static_cast<std::uint8_t>(payload[1]);
  return fmt::format("with {} \"{}\"", code, payload.substr(2));
}

}  // namespace

ConnectionContext::ConnectionContext(const Options& run_options, Statistics& run_statistics)
    : options(run_options),
      statistics(run_statistics),
      request(options.url, options.headers),
      read_buffer(read_buffer_size) {}

void Connection::connect() {
  reader_ = {};
  has_close_ = false;
  message_offset_ = 0;
  unsent_.clear();
  carried_.clear();
  key_ = random_key();
  state_ = State::handshaking;
  const Options& options = context_.options;
  const NetworkAddress* source = options.sources.empty() ? nullptr : &options.sources[index_ % options.sources.size()];
  if (const int error = socket_.connect(options.address, source, context_.poller, this); error != 0) {
    return fail(Ending::refused,
                fmt::format("cannot connect to {}: {}", options.url.authority(), std::strerror(error)));
  }
  send(context_.request.with(key_));
}

void Connection::send(std::string_view frames) {
  context_.statistics.bytes_sent.add(frames.size());
  if (!unsent_.empty()) {
    unsent_.append(frames);
    return;
  }
  const Socket::Moved moved = socket_.send(frames);
  if (moved.is_end) return;  // noticed when it is read
  frames.remove_prefix(moved.size);
  if (frames.empty()) return;
  unsent_ = frames;
  socket_.watch_writable(true);
}

void Connection::send_close() {
  send(client_frame(Opcode::close, normal_closure, context_.keys.next()));
  state_ = State::closing;
}

void Connection::disconnect() {
  if (state_ == State::open || state_ == State::closing) {
    context_.statistics.open.set(context_.statistics.open.value() - 1);
  }
  socket_.close();
  state_ = State::idle;
}

void Connection::give_up() {
  fail(Ending::handshake, "the opening handshake did not end");
}

void Connection::handle(std::uint32_t epoll_events) {
  if (state_ == State::idle) return;  // ended by an event before this one
  if ((epoll_events & EPOLLOUT) != 0) send_the_rest();
  if ((epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && state_ != State::idle) receive();
}

void Connection::receive() {
  const Socket::Moved received = socket_.receive(context_.read_buffer);
  context_.now = Clock::now();
  if (received.size > 0) {
    context_.statistics.bytes_received.add(received.size);
    std::span<const std::byte> bytes = std::span(context_.read_buffer).first(received.size);
    if (state_ == State::handshaking) bytes = bytes.subspan(read_head(bytes));
    if (state_ == State::open || state_ == State::closing) read_frames(bytes);
  }
  if (received.is_end && state_ != State::idle) lose();
}

std::size_t Connection::read_head(std::span<const std::byte> bytes) {
  const std::size_t old_size = carried_.size();
  carried_.append(text_of(bytes));
  const auto head_size = carried_.find("\r\n\r\n");
  if (head_size == std::string::npos) {
    if (carried_.size() > longest_head) fail(Ending::handshake, "the answer to the handshake does not end");
    return bytes.size();
  }
  const std::string head = std::exchange(carried_, {}).substr(0, head_size);
  if (const auto problem = problem_with_response(head, key_)) {
    fail(Ending::handshake, *problem);
    return bytes.size();
  }
  state_ = State::open;
  context_.statistics.opened.add();
  context_.statistics.open.add();
  context_.owner->on_open(*this);
  return head_size + 4 - old_size;
}

void Connection::read_frames(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  FrameReader::Piece piece;
  FrameReader::Step step{};
  while ((step = reader_.next(bytes, piece)) == FrameReader::Step::piece) {
    if (!read_piece(piece)) return end(Ending::wrong);
  }
  if (step == FrameReader::Step::failed)
    return fail(Ending::wrong, fmt::format("the server sent {}", reader_.problem()));
  context_.owner->on_read(*this);
}

bool Connection::read_piece(const FrameReader::Piece& piece) {
  if (is_control(piece.opcode)) {
    read_control(piece);
    return true;
  }
  const MessagePiece part{piece.opcode, message_offset_, piece.bytes, piece.ends_message};
  message_offset_ = piece.ends_message ? 0 : message_offset_ + piece.bytes.size();
  return context_.owner->on_piece(*this, part);
}

void Connection::read_control(const FrameReader::Piece& piece) {
  carried_.append(text_of(piece.bytes));
  if (!piece.ends_frame) return;
  const std::string payload = std::exchange(carried_, {});
  if (piece.opcode == Opcode::ping && state_ == State::open) {
    send(client_frame(Opcode::pong, payload, context_.keys.next()));
  }
  if (piece.opcode != Opcode::close) return;
  has_close_ = true;
  if (state_ != State::open) return;
  context_.statistics.explain(fmt::format("the server closed a connection {}", close_text(payload)));
  send(client_frame(Opcode::close, std::string_view(payload).substr(0, 2), context_.keys.next()));
}

void Connection::lose() {
  if (state_ == State::closing && has_close_) return end(Ending::orderly);
  const std::string why = socket_.error() == 0 ? "without a word" : std::strerror(socket_.error());
  if (state_ != State::handshaking) return fail(Ending::closed, fmt::format("the server ended a connection: {}", why));
  if (socket_.error() == 0) return fail(Ending::handshake, "the server closed instead of answering the handshake");
  fail(Ending::refused, fmt::format("cannot connect to {}: {}", context_.options.url.authority(), why));
}

void Connection::send_the_rest() {
  const Socket::Moved moved = socket_.send(unsent_);
  if (moved.is_end) return lose();
  unsent_.erase(0, moved.size);
  if (!unsent_.empty()) return;
  socket_.watch_writable(false);
  if (state_ == State::open) context_.owner->on_writable(*this);
}

void Connection::end(Ending ending) {
  Errors& errors = context_.statistics.errors;
  if (ending == Ending::refused) errors.connect.add();
  if (ending == Ending::handshake) errors.handshake.add();
  if (ending == Ending::closed) errors.closed.add();
  disconnect();
  context_.owner->on_end(*this, ending);
}

void Connection::fail(Ending ending, std::string_view what) {
  context_.statistics.explain(what);
  if (ending == Ending::wrong) context_.statistics.errors.wrong.add();
  end(ending);
}

}  // namespace wsd::bench
