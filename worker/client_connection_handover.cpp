// From one worker to another: all that is known of a connection, as the successor needs it.

#include <utility>

#include "protocol/close_code.h"
#include "worker/channels.h"
#include "worker/client_connection.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

namespace {

void assign(std::vector<std::byte>& target, std::span<const std::byte> bytes) {
  target.assign(bytes.begin(), bytes.end());
}

// Of another worker's request, which was good once, whatever its limits were.
protocol::HttpRequest parse_head(std::span<const std::byte> head) {
  protocol::HttpRequestParser parser({.max_head_size = protocol::HttpLimits::largest_head_size});
  return parser.next(head) == protocol::HttpRequestParser::Step::complete ? parser.take() : protocol::HttpRequest();
}

}  // namespace

ClientConnection::ClientConnection(ConnectionContext& context, const ConnectionState& state, ClientTransport transport)
    : ClientConnection(context, state.id, std::move(transport), state.remote_address) {
  phase_ = state.phase;
  if (phase_ != Phase::opening) {
    extras_.reset();
    request_.set_head(parse_head(state.head));
  }
  if (state.deflate) {
    deflate_ = std::make_unique<ConnectionDeflate>(*state.deflate, context_.compression, session_);
    deflate_->restore_inflate_window(state.inflate_window);
  }
  if (phase_ == Phase::closing || phase_ == Phase::lingering) session_.close_sent();
  if (!state.input.empty()) extras().held_input = state.input;
  output_.restore(context_, state.output);
  traffic_ = state.traffic;
  relayed_tls_ = state.tls;
  if (!state.attributes.empty()) extras().attributes.restore(state.attributes);
  context.channels.restore(*this, state.subscriptions);
  if (!state.close_reason.empty()) extras().close_reason = state.close_reason;
  visible_ = state.visible;
  paused_ = state.paused;
  full_ = state.full;
  clean_ = state.clean;
  peer_closed_ = state.peer_closed;
  close_code_ = state.close_code;
  set_opened_ms(state.opened_ms);
  set_last_message_ms(state.last_message_ms);
  last_ping_ms_ = state.last_ping_ms;
  message_begun_ms_ = state.message_begun_ms;
  missed_pings_ = state.missed_pings;
  closed_by_ = static_cast<ClosedBy>(state.closed_by);
  // Also one whose worker had no limits per address; not one that was refused.
  if (phase_ != Phase::lingering) count_again();
}

ConnectionState ClientConnection::save() {
  ConnectionState state;
  state.id = id_;
  state.phase = phase_;
  state.remote_address = remote_address();
  if (phase_ == Phase::opening) {
    if (extras_->exchange == nullptr) assign(state.input, extras_->parser->unfinished_input());
    if (extras_->exchange != nullptr) state.input = extras_->exchange->unfinished_input();
  } else {
    if (!request_.head().empty()) assign(state.head, request_.head().raw());
    state.input = session_.unfinished_input();
    if (has_deflate()) state.deflate = deflate_->parameters();
    if (has_deflate() && phase_ == Phase::open) state.inflate_window = deflate_->inflate_window();
  }
  if (has_held_input()) state.input.insert(state.input.end(), extras_->held_input.begin(), extras_->held_input.end());
  state.output = output_.waiting_bytes();
  state.traffic = traffic_;
  state.tls = tls();
  if (has_attributes()) state.attributes = extras_->attributes.entries();
  state.subscriptions = Channels::save(*this);
  state.visible = visible_;
  state.paused = paused_;
  state.full = full_;
  state.clean = clean_;
  state.peer_closed = peer_closed_;
  state.close_code = close_code_;
  state.close_reason = close_reason();
  state.due_ms = due_ms(context_.now_ms());
  state.opened_ms = opened_ms();
  state.last_message_ms = last_message_ms();
  state.last_ping_ms = last_ping_ms_;
  state.message_begun_ms = message_begun_ms_;
  state.missed_pings = missed_pings_;
  state.closed_by = static_cast<std::uint8_t>(closed_by_);
  return state;
}

void ClientConnection::attach(std::uint64_t due_ms) {
  watched_events_ = wanted_events();
  watched_ = context_.poller.add(transport_.descriptor(), *this, watched_events_);
  if (visible_) context_.counters.connections.add(1);
  if (!watched_) return lose();
  deadlines().restore(*this, due_ms, context_.now_ms());
}

void ClientConnection::resume() {
  if (is_gone()) return;  // ended by another one's on_resume, or never watched
  if (visible_ && context_.app.resume(*this) == AppHost::Outcome::threw)
    close_as(ClosedBy::error, close_code::internal_error, {});
  take_held_input();
  touch();
}

std::unique_ptr<Transport> ClientConnection::hand_over() {
  unwatch();
  disarm();
  phase_ = Phase::gone;
  visible_ = false;
  stop_counting();
  return transport_.close();
}

}  // namespace wsd::worker
