#include "tests/wsbench/connection.h"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace wsd::bench {

using protocol::Opcode;

namespace {

constexpr std::size_t read_buffer_size = 256 * 1024;
constexpr std::size_t longest_head = 64 * 1024;
constexpr std::uint8_t deflate_level = 1;  // the load's cost matters more than its size
constexpr std::uint64_t largest_message = std::uint64_t{1} << 31U;
constexpr std::string_view normal_closure{"\x03\xE8", 2};  // 1000

// What to do about a problem of TLS that has a usual cause.
std::string_view way_out_of(std::string_view problem) {
  if (problem.starts_with("certificate: ")) return " (--cacert FILE believes its issuer, --insecure anybody)";
  if (problem == "wrong version number") return " (the port speaks no TLS; ws:// is without)";
  return "";
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> handshake_headers(const Options& options) {
  std::vector<std::string> headers = options.headers;
  if (options.deflate) headers.push_back("Sec-WebSocket-Extensions: " + deflate_offer(*options.deflate));
  if (!options.subprotocols.empty()) {
    headers.push_back(fmt::format("Sec-WebSocket-Protocol: {}", fmt::join(options.subprotocols, ", ")));
  }
  return headers;
}

std::uint16_t close_code_in(std::string_view payload) {
  if (payload.size() < 2) return 1005;
  return static_cast<std::uint16_t>((static_cast<std::uint8_t>(payload[0]) << 8U) |
                                    static_cast<std::uint8_t>(payload[1]));
}

// What a Close said.
std::string close_text(std::string_view payload) {
  if (payload.size() < 2) return "without a status";
  const std::string_view reason = payload.substr(2);
  return fmt::format("with {}{}", close_code_in(payload), reason.empty() ? "" : fmt::format(" \"{}\"", reason));
}

}  // namespace

ConnectionContext::ConnectionContext(const Options& run_options, Statistics& run_statistics)
    : options(run_options),
      statistics(run_statistics),
      request(options.url, handshake_headers(options)),
      read_buffer(read_buffer_size) {
  if (!options.url.is_secure) return;
  tls.emplace(TlsContext::Options{options.url.host, options.ca_file, !options.is_insecure});
}

void Connection::connect() {
  reader_ = {};
  has_close_ = false;
  close_code_ = 0;
  message_offset_ = 0;
  unsent_.clear();
  carried_.clear();
  deflate_ = nullptr;
  own_deflate_.reset();
  compressed_.clear();
  key_ = random_key();
  state_ = State::handshaking;
  const Options& options = context_.options;
  const std::size_t turn = index_ * options.processes + context_.process_index;
  const NetworkAddress* source = options.sources.empty() ? nullptr : &options.sources[turn % options.sources.size()];
  const TlsContext* tls = context_.tls ? &*context_.tls : nullptr;
  if (const int error = socket_.connect(options.address, source, tls, receive_buffer_, context_.poller, this);
      error != 0) {
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

void Connection::append_message(std::string& frames, Opcode opcode, std::string_view message) {
  const auto compressed = deflate_ == nullptr ? std::nullopt : deflate_->compress(message);
  const std::string_view payload = compressed ? text_of(*compressed) : message;
  append_client_frame(frames, opcode, payload, context_.keys.next(),
                      compressed ? protocol::Rsv1::yes : protocol::Rsv1::no);
}

void Connection::send_message(Opcode opcode, std::string_view message) {
  std::string frame;
  append_message(frame, opcode, message);
  send(frame);
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
  const bool is_ending = (epoll_events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  if ((epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && state_ != State::idle && !is_over(is_ending))
    receive();
  if (state_ != State::idle && is_over(is_ending)) end(Ending::orderly);
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
  auto problem = problem_with_response(head, key_);
  if (!problem) problem = take_choices(head);
  if (problem) {
    fail(Ending::handshake, *problem);
    return bytes.size();
  }
  state_ = State::open;
  context_.statistics.opened.add();
  context_.statistics.open.add();
  context_.owner->on_open(*this);
  return head_size + 4 - old_size;
}

std::optional<std::string> Connection::take_choices(std::string_view head) {
  const Options& options = context_.options;
  if (auto problem = problem_with_subprotocol(head, options.subprotocols)) return problem;
  const std::string_view answer = field(head, "Sec-WebSocket-Extensions");
  if (!options.deflate) {
    if (answer.empty()) return std::nullopt;
    return fmt::format("the server answers Sec-WebSocket-Extensions: {}, which was not offered", answer);
  }
  if (answer.empty()) return "the server does not agree to permessage-deflate";
  try {
    begin_deflate(agreed_deflate(answer, *options.deflate));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return std::nullopt;
}

void Connection::begin_deflate(const protocol::DeflateParameters& agreed) {
  using protocol::ContextTakeover;
  ConnectionContext& context = context_;
  reader_.allow_compression();
  const bool is_shared = agreed.server_takeover == ContextTakeover::no &&
                         agreed.client_takeover == ContextTakeover::no && context.agreed.value_or(agreed) == agreed;
  if (!is_shared) {
    own_deflate_ = std::make_unique<ClientDeflate>(agreed, deflate_level, context.compressed, context.inflated);
  } else if (!context.deflate) {
    context.agreed = agreed;
    context.deflate.emplace(agreed, deflate_level, context.compressed, context.inflated);
  }
  deflate_ = is_shared ? &*context.deflate : own_deflate_.get();
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
  if (piece.is_compressed) return read_compressed(piece);
  const MessagePiece part{piece.opcode, message_offset_, piece.bytes, piece.ends_message};
  message_offset_ = piece.ends_message ? 0 : message_offset_ + piece.bytes.size();
  return context_.owner->on_piece(*this, part);
}

bool Connection::read_compressed(const FrameReader::Piece& piece) {
  const bool is_whole = piece.begins_message && piece.ends_message;
  if (!is_whole) compressed_.append(text_of(piece.bytes));
  if (!piece.ends_message) return true;
  const std::string gathered = std::exchange(compressed_, {});
  const auto message = deflate_->inflate(is_whole ? piece.bytes : std::as_bytes(std::span(gathered)), largest_message);
  if (message) return context_.owner->on_piece(*this, {piece.opcode, 0, *message, true});
  context_.statistics.errors.wrong.add();
  context_.statistics.explain("the server sent a compressed message that does not inflate");
  return false;
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
  close_code_ = close_code_in(payload);
  if (state_ != State::open) return;
  if (!may_end_) context_.statistics.explain(fmt::format("the server closed a connection {}", close_text(payload)));
  send(client_frame(Opcode::close, std::string_view(payload).substr(0, 2), context_.keys.next()));
}

void Connection::lose() {
  if (state_ == State::closing && has_close_) return end(Ending::orderly);
  const std::string why = socket_.error() == 0 ? "without a word" : std::strerror(socket_.error());
  if (const std::string problem = socket_.tls_problem(); !problem.empty()) {
    return fail(state_ == State::handshaking ? Ending::handshake : Ending::closed,
                fmt::format("TLS: {}{}", problem, way_out_of(problem)));
  }
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
  if (ending == Ending::closed && !may_end_) errors.closed.add();
  disconnect();
  context_.owner->on_end(*this, ending);
}

void Connection::fail(Ending ending, std::string_view what) {
  if (ending != Ending::closed || !may_end_) context_.statistics.explain(what);
  if (ending == Ending::wrong) context_.statistics.errors.wrong.add();
  end(ending);
}

}  // namespace wsd::bench
