#include "worker/client_connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/close_code.h"
#include "protocol/opening_handshake.h"
#include "worker/channels.h"
#include "worker/handshake_answer.h"
#include "worker/log.h"
#include "worker/printable_text.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

namespace {

protocol::Opcode opcode_of(MessageType type) {
  return type == MessageType::text ? protocol::Opcode::text : protocol::Opcode::binary;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void assign(std::vector<std::byte>& target, std::span<const std::byte> bytes) {
  target.assign(bytes.begin(), bytes.end());
}

// Of another worker's request, which was good once, whatever its limits were.
protocol::HttpRequest parse_head(std::span<const std::byte> head) {
  protocol::HttpRequestParser parser({.max_head_size = protocol::HttpLimits::largest_head_size});
  return parser.next(head) == protocol::HttpRequestParser::Step::complete ? parser.take() : protocol::HttpRequest();
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Bytes that a response is given to the output in.
constexpr std::size_t largest_part = 16 * 1024;

// Bytes of one message that are read before the others have their turn.
constexpr std::size_t most_in_room = 1024 * 1024;

constexpr std::uint16_t switching_protocols = 101;

// RFC 6585 §4: this client's own doing, unlike 503.
protocol::HttpError too_many(std::string_view what) {
  return {.status = 429,
          .text = fmt::format("Too many {} from your address. Try again in a few seconds.", what),
          .headers = {{"Retry-After", "5"}}};
}

protocol::HttpError server_error() {
  return {.status = 500, .text = "The application failed.", .headers = {}};
}

protocol::HttpError malformed_extensions() {
  return {.status = 400, .text = "The Sec-WebSocket-Extensions header is malformed.", .headers = {}};
}

}  // namespace

ClientConnection::ClientConnection(ConnectionContext& context, ConnectionId id, ClientTransport transport,
                                   std::string_view remote_address)
    : context_(context),
      transport_(std::move(transport)),
      movable_(transport_.is_movable()),
      id_(id),
      request_(remote_address),
      session_(context.limits.max_message) {
  extras().parser = std::make_unique<protocol::HttpRequestParser>(
      protocol::HttpLimits{.max_head_size = context.limits.max_handshake});
}

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
  opened_ms_ = state.opened_ms;
  last_message_ms_ = state.last_message_ms;
  last_ping_ms_ = state.last_ping_ms;
  message_begun_ms_ = state.message_begun_ms;
  missed_pings_ = state.missed_pings;
  closed_by_ = static_cast<ClosedBy>(state.closed_by);
  // Also one whose worker had no limits per address; not one that was refused.
  if (phase_ != Phase::lingering) count_again();
}

ClientConnection::~ClientConnection() {
  unwatch();
  stop_counting();
}

ConnectionExtras& ClientConnection::extras() {
  if (extras_ == nullptr) extras_ = std::make_unique<ConnectionExtras>();
  return *extras_;
}

void ClientConnection::forget_extras_if_empty() {
  if (extras_ != nullptr && extras_->empty()) extras_.reset();
}

std::string_view ClientConnection::close_reason() const {
  return extras_ == nullptr ? std::string_view() : std::string_view(extras_->close_reason);
}

bool ClientConnection::start() {
  watched_events_ = wanted_events();
  watched_ = context_.poller.add(transport_.descriptor(), *this, watched_events_);
  if (!watched_) return false;
  context_.handshakes.arm(*this, context_.now_ms());
  return true;
}

// ---- limits per address ---------------------------------------------------------------------------------------------

bool ClientConnection::admit() {
  using Verdict = AddressQuotas::Verdict;
  const AddressQuotas::Admission admission = context_.quotas.admit(remote_address(), context_.now_ns());
  address_key_ = admission.key;
  if (admission.verdict == Verdict::admitted) return true;
  context_.counters.refused.add(1);
  refuse(too_many(admission.verdict == Verdict::too_many_connections ? "connections" : "connections per second"));
  return false;
}

bool ClientConnection::stop_counting() {
  const AddressKey key = std::exchange(address_key_, 0);
  context_.quotas.remove(key);
  return key != 0;
}

void ClientConnection::count_again() {
  address_key_ = context_.quotas.add(remote_address());
}

// ---- from one worker to another -------------------------------------------------------------------------------------

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
  state.opened_ms = opened_ms_;
  state.last_message_ms = last_message_ms_;
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

DeadlineList& ClientConnection::deadlines() {
  if (phase_ == Phase::opening) return context_.handshakes;
  return phase_ == Phase::open ? context_.ticks : context_.endings;
}

// ---- reading --------------------------------------------------------------------------------------------------------

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

void ClientConnection::receive() {
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

void ClientConnection::take_opening(std::span<std::byte>& input) {
  if (extras_->exchange == nullptr && !take_head(input)) return;
  if (extras_->exchange != nullptr) return take_plain_request(input);
  if (const auto error = protocol::check_opening_handshake(request_.head())) return refuse(*error);
  if (const auto error = context_.origins.check(request_.head())) {
    log::stranger(log::Level::debug, "origins that were refused", "the origin '{}' may not open a WebSocket here",
                  printable(request_.header("Origin")));
    return refuse(*error);
  }
  open();
}

// True once the request's head is whole.
bool ClientConnection::take_head(std::span<std::byte>& input) {
  std::span<const std::byte> head = input;
  protocol::HttpRequestParser& parser = *extras_->parser;
  const auto step = parser.next(head);
  input = input.last(head.size());
  if (step == protocol::HttpRequestParser::Step::failed) refuse(parser.error());
  if (step != protocol::HttpRequestParser::Step::complete) return false;
  request_.set_head(parser.take());
  request_.set_remote_address(context_.proxies.client_of(remote_address(), request_.head()));
  if (address_key_ == 0 && !admit()) return false;
  if (protocol::is_upgrade(request_.head()) || !context_.app.answers(request_)) return true;
  extras_->exchange = std::make_unique<HttpExchange>(request_);
  const HttpExchange& exchange = *extras_->exchange;
  if (!exchange.error() && exchange.wants_continue()) send_bytes(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  return true;
}

void ClientConnection::take_plain_request(std::span<std::byte>& input) {
  const auto end_exchange = [this] { return std::exchange(extras_->exchange, nullptr); };
  if (extras_->exchange->error()) return refuse(*end_exchange()->error());
  if (!extras_->exchange->take_body(input)) return;
  const auto exchange = end_exchange();
  ResponseDraft response;
  if (context_.app.request(*exchange, response) == AppHost::Outcome::threw) return refuse(server_error());
  answer(response.take());
}

// The request is whole, or will not be.
void ClientConnection::end_opening() {
  if (extras_ == nullptr) return;
  extras_->parser.reset();
  forget_extras_if_empty();
}

// What the application says instead of opening a WebSocket. A body is larger than what one turn's buffer may hold.
void ClientConnection::answer(const protocol::HttpResponse& response) {
  if (is_gone()) return;
  log_access(response.status);
  send_bytes(as_bytes(protocol::serialize_head(response)));
  const bool wanted = protocol::may_have_body(response.status) && request_.method() != "HEAD";
  for (std::string_view rest = wanted ? response.body : std::string_view(); !rest.empty() && !is_gone();) {
    const std::string_view part = rest.substr(0, largest_part);
    send_bytes(as_bytes(part));
    rest.remove_prefix(part.size());
  }
  end_opening();
  if (!is_gone()) linger();
}

void ClientConnection::take_frames(std::span<std::byte>& input) {
  using Step = protocol::Session::Step;
  while (phase_ == Phase::open || phase_ == Phase::closing) {
    if (paused_) return hold_input(input);
    switch (session_.next(input)) {
      case Step::need_more:
        if (!session_.in_message()) {
          message_begun_ms_ = 0;
        } else if (message_begun_ms_ == 0) {
          message_begun_ms_ = std::max(1U, static_cast<std::uint32_t>(context_.now_ms()));  // 0: none has begun
        }
        return;
      case Step::message:
        handle_message(session_.message());
        break;
      case Step::ping:
        handle_ping(session_.control_payload());
        break;
      case Step::pong:
        break;  // that anything came has reset the misses
      case Step::close:
        return handle_peer_close(session_.peer_close());
      case Step::failed:
        return fail(session_.error());
    }
  }
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

void ClientConnection::open() {
  std::optional<protocol::DeflateAgreement> deflate;
  if (context_.limits.deflate.enabled) {
    const auto offers = protocol::offered_extensions(request_.head());
    if (!offers) return refuse(malformed_extensions());
    deflate = protocol::negotiate_deflate(*offers, context_.compression.policy());
  }
  HandshakeAnswer said(request_.head());
  if (context_.app.handshake(request_, said) == AppHost::Outcome::threw) return refuse(server_error());
  if (const auto refusal = said.refusal()) return answer(*refusal);
  said.select_by_default(context_.subprotocol);
  send_bytes(as_bytes(said.switching_protocols(deflate ? deflate->answer : std::string())));
  if (is_gone()) return;
  if (deflate) deflate_ = std::make_unique<ConnectionDeflate>(deflate->parameters, context_.compression, session_);
  extras_->attributes = said.take_attributes();
  end_opening();
  phase_ = Phase::open;
  opened_ms_ = last_message_ms_ = last_ping_ms_ = static_cast<std::uint32_t>(context_.now_ms());
  context_.ticks.arm(*this, context_.now_ms());
  context_.counters.opened.add(1);
  context_.counters.connections.add(1);
  visible_ = true;
  if (context_.app.open(*this) == AppHost::Outcome::threw) {
    close_as(ClosedBy::error, close_code::internal_error, {});
  }
}

// ---- events ---------------------------------------------------------------------------------------------------------

void ClientConnection::handle_message(const protocol::Session::Message& message) {
  context_.counters.messages_in.add(1);
  ++traffic_.messages_in;
  context_.counters.message_size.add(message.payload.size());
  last_message_ms_ = static_cast<std::uint32_t>(context_.now_ms());
  if (address_key_ != 0 && !context_.quotas.take_message(address_key_, context_.now_ns())) {
    context_.counters.rate_limited.add(1);
    return close_as(ClosedBy::server, close_code::policy_violation, "too many messages");
  }
  const auto type = message.type == protocol::Opcode::text ? MessageType::text : MessageType::binary;
  const bool measured = context_.callbacks.is_due();
  const std::uint64_t begin = measured ? uv_hrtime() : 0;
  const auto outcome = context_.app.message(*this, {as_text(message.payload), type});
  if (measured) context_.counters.callback_ns.add(uv_hrtime() - begin, context_.callbacks.weight());
  if (outcome == AppHost::Outcome::threw) close_as(ClosedBy::error, close_code::internal_error, {});
}

void ClientConnection::handle_ping(std::span<const std::byte> payload) {
  // §5.5.2. After our Close nothing more is owed.
  if (phase_ == Phase::open) send_control(protocol::Opcode::pong, payload);
}

void ClientConnection::handle_peer_close(const protocol::Session::PeerClose& peer_close) {
  peer_closed_ = true;
  if (phase_ == Phase::closing) return finish_close(close_code_, {}, true);
  closed_by(ClosedBy::client);
  begin_close(peer_close.code, {});  // §5.5.1: echoes the status code it received
  finish_close(peer_close.code.value_or(close_code::no_code), peer_close.reason, true);
}

void ClientConnection::fail(protocol::ProtocolError error) {
  context_.counters.protocol_errors.add(1);
  closed_by(ClosedBy::error);
  const std::uint16_t code = protocol::close_code_for(error);
  const std::string_view reason = protocol::to_string(error);
  log::stranger(log::Level::debug, "connections that failed", "connection {} from {} failed with {}: {}", id_,
                remote_address(), code, reason);
  if (phase_ == Phase::open) begin_close(code, reason);
  finish_close(code, reason, false);
}

void ClientConnection::end_of_stream() {
  if (phase_ == Phase::opening) return vanish();
  peer_closed_ = true;                             // nothing more will come, but what waits may still be read
  if (phase_ == Phase::lingering) return touch();  // part() follows when everything has left
  closed_by(ClosedBy::client);
  finish_close(close_code::abnormal, {}, false);
}

void ClientConnection::lose() {
  closed_by(ClosedBy::error);
  finish_close(close_code::abnormal, {}, false);
  vanish();
}

// ---- channels -------------------------------------------------------------------------------------------------------

void ClientConnection::subscribe(std::string_view channel, std::string_view name) {
  context_.channels.subscribe(*this, channel, name);
}

void ClientConnection::unsubscribe(std::string_view channel) {
  context_.channels.unsubscribe(*this, channel);
}

bool ClientConnection::is_subscribed(std::string_view channel) const {
  return context_.channels.is_subscribed(*this, channel);
}

SendResult ClientConnection::publish(std::string_view channel, std::string_view data, MessageType type) {
  return context_.channels.publish(*this, channel, data, type);
}

Memberships& ClientConnection::memberships() {
  if (memberships_ == nullptr) memberships_ = std::make_unique<Memberships>();
  return *memberships_;
}

std::uint64_t ClientConnection::age_ms() const {
  return static_cast<std::uint32_t>(context_.now_ms()) - opened_ms_;
}

std::uint64_t ClientConnection::idle_ms() const {
  return static_cast<std::uint32_t>(context_.now_ms()) - last_message_ms_;
}

// What was published before comes before what follows now. Whether it is open.
bool ClientConnection::catch_up() {
  if (context_.channels.is_under_way()) Channels::catch_up(*this);
  return is_open();
}

// The channel's, unless it leaves that to us.
SlowConsumer ClientConnection::policy_for(SlowConsumer channels) const {
  const bool closes = context_.limits.full_queue == FullQueue::close;
  return channels == SlowConsumer::drop_newest && closes ? SlowConsumer::close : channels;
}

TlsProtocol ClientConnection::tls() const {
  return transport_.is_movable() ? relayed_tls_ : transport_.tls();
}

ConnectionRow ClientConnection::describe() const {
  using State = ConnectionRow::State;
  const bool is_opening = phase_ == Phase::opening;
  const bool was_opened = opened_ms_ != 0;
  return {.id = id_,
          .slot = 0,
          .remote = std::string(remote_address()),
          .path = is_opening ? std::string() : std::string(request_.path()),
          .subprotocol = std::string(subprotocol()),
          .age_ms = was_opened ? age_ms() : 0,
          .idle_ms = was_opened ? idle_ms() : 0,
          .traffic = traffic_,
          .queue = output_.size(),
          .state = is_opening                   ? State::opening
                   : phase_ == Phase::closing   ? State::closing
                   : phase_ == Phase::lingering ? State::ending
                   : paused_                    ? State::paused
                                                : State::open,
          .deflate = has_deflate(),
          .tls = tls(),
          .relayed = relayed_tls_ != TlsProtocol::none};
}

bool ClientConnection::take_publication(SharedMessage& message, SlowConsumer channels, ClientOutput::Stream stream) {
  if (phase_ != Phase::open) return false;
  const SlowConsumer policy = policy_for(channels);
  const ClientOutput::Stream its_stream = policy == SlowConsumer::drop_oldest ? stream : SendQueue::no_stream;
  // What is for many refers to nothing, and what later messages refer to cannot be dropped.
  const bool is_for_us_alone = has_deflate() && deflate_->takes_over() && its_stream == SendQueue::no_stream;
  const SharedFrame& frame = is_for_us_alone ? message.plain() : shared_frame(message);
  if (output_.queued() > 0 && !make_room(frame.size(), policy, stream)) return false;
  context_.counters.messages_out.add(1);
  ++traffic_.messages_out;
  const auto compressed = is_for_us_alone
                              ? deflate_->deflate(context_.compression, {message.payload()}, message.payload().size())
                              : std::nullopt;
  if (!(compressed ? send_compressed(opcode_of(message.type()), *compressed)
                   : output_.send(way(), frame, its_stream))) {
    lose();
    return false;
  }
  touch();
  if (output_.queued() >= context_.limits.send_queue) note_full();
  return true;
}

bool ClientConnection::make_room(std::size_t size, SlowConsumer policy, ClientOutput::Stream stream) {
  const std::size_t limit = context_.limits.send_queue;
  const auto missing = [&]() -> std::size_t {
    const std::size_t needed = output_.queue_footprint() + (output_.size() - output_.queued()) + size;
    return needed > limit ? needed - limit : 0;
  };
  if (missing() == 0 && context_.has_room_for(size)) return true;
  if (policy == SlowConsumer::drop_oldest) {
    context_.counters.send_dropped.add(output_.drop_oldest(stream, std::max(missing(), size)));
    if (missing() == 0 && context_.has_room_for(size)) {
      note_full();
      return true;
    }
  }
  context_.counters.send_dropped.add(1);
  if (policy == SlowConsumer::close) {
    close_slow();
  } else {
    note_full();
  }
  return false;
}

void ClientConnection::close_slow() {
  context_.counters.slow_closed.add(1);
  closed_by(ClosedBy::server);
  begin_close(close_code::try_again_later, "it reads too slowly");
}

// ---- sending --------------------------------------------------------------------------------------------------------

SendResult ClientConnection::send(std::initializer_list<std::string_view> pieces, MessageType type) {
  if (!catch_up()) return SendResult::dropped;
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  const std::size_t needed = protocol::server_header_size(size) + size;
  const auto is_full = [&] {
    const std::size_t waiting = output_.size();
    return waiting > 0 && waiting + needed > context_.limits.send_queue;
  };
  bool full = is_full();
  if (full && output_.queued() == 0) {  // the kernel may have room for all of it
    if (!output_.send_now(way())) {
      lose();
      return SendResult::dropped;
    }
    full = is_full();
  }
  if (full || (output_.queued() > 0 && !context_.has_room_for(needed))) {
    context_.counters.send_dropped.add(1);
    if (context_.limits.full_queue == FullQueue::close) {
      close_slow();
    } else {
      note_full();
    }
    return SendResult::dropped;
  }
  context_.counters.messages_out.add(1);
  ++traffic_.messages_out;
  if (!send_message(opcode_of(type), pieces, size)) {
    lose();
    return SendResult::dropped;
  }
  touch();
  if (output_.queued() == 0) return SendResult::sent;
  if (output_.queued() >= context_.limits.send_queue) note_full();
  return SendResult::queued;
}

bool ClientConnection::send_message(protocol::Opcode opcode, std::initializer_list<std::string_view> pieces,
                                    std::size_t size) {
  if (has_deflate()) {
    const auto compressed = deflate_->deflate(context_.compression, pieces, size);
    if (compressed) return send_compressed(opcode, *compressed);
  }
  return output_.send(way(), opcode, pieces, size);
}

bool ClientConnection::send_compressed(protocol::Opcode opcode, std::span<const std::byte> payload) {
  return output_.send(way(), opcode, {as_text(payload)}, payload.size(), protocol::Rsv1::yes);
}

// The one that the peer can read.
const SharedFrame& ClientConnection::shared_frame(SharedMessage& message) {
  if (!has_deflate()) return message.plain();
  const auto& frame = message.compressed(deflate_->parameters().server_window_bits, context_.compression);
  if (&frame != &message.plain()) deflate_->skip_shared_message();
  return frame;
}

void ClientConnection::send_bytes(std::span<const std::byte> bytes) {
  if (!output_.send(way(), bytes)) return lose();
  touch();
}

void ClientConnection::send_control(protocol::Opcode opcode, std::span<const std::byte> payload) {
  if (!output_.send_control(way(), opcode, payload)) return lose();
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

// ---- ending ---------------------------------------------------------------------------------------------------------

void ClientConnection::refuse(const protocol::HttpError& error) {
  if (is_gone()) return;
  constexpr std::uint16_t too_many_requests = 429;
  if (error.status < 500 && error.status != too_many_requests) context_.counters.protocol_errors.add(1);
  log_access(error.status);
  log::stranger(log::Level::debug, "requests that were refused", "request from {} refused with {}: {}",
                remote_address(), error.status, error.text);
  send_bytes(as_bytes(protocol::serialize(error)));
  end_opening();
  if (!is_gone()) linger();
}

void ClientConnection::close(std::uint16_t code, std::string_view reason) {
  close_as(ClosedBy::app, code, reason);
}

void ClientConnection::close_as(ClosedBy who, std::uint16_t code, std::string_view reason) {
  if (!catch_up()) return;
  closed_by(who);
  begin_close(protocol::may_be_sent_by_peer(code) ? code : close_code::internal_error, reason);
}

void ClientConnection::leave_open(Phase phase) {
  if (phase_ == Phase::open) Channels::note_ending(*this);
  phase_ = phase;
}

void ClientConnection::begin_close(std::optional<std::uint16_t> code, std::string_view reason) {
  std::array<std::byte, protocol::max_close_frame_size> frame;
  const std::size_t size = protocol::serialize_close(code, reason, frame.data());
  send_bytes(std::span(frame).first(size));
  if (is_gone()) return;
  session_.close_sent();
  close_code_ = code.value_or(close_code::no_code);
  if (!reason.empty()) extras().close_reason = reason;
  leave_open(Phase::closing);
  context_.endings.arm(*this, context_.now_ms());
  if (paused_) resume_receive();  // or the peer's answer would never be read
}

// The WebSocket is over (§7.1.4); the stream may need a moment longer.
void ClientConnection::finish_close(std::uint16_t code, std::string_view reason, bool clean) {
  if (phase_ == Phase::lingering || phase_ == Phase::gone) return;
  close_code_ = code;
  clean_ = clean;
  if (!reason.empty()) extras().close_reason = reason;
  linger();
}

void ClientConnection::linger() {
  leave_open(Phase::lingering);
  stop_counting();  // who comes back at once is not one more
  paused_ = false;
  if (has_held_input()) extras_->held_input = {};
  context_.endings.arm(*this, context_.now_ms());
  notice();
  touch();  // part() follows when everything has left
}

// Our last byte is with the kernel. §7.1.1: the server ends the stream first; it reads on until the peer has ended it
// too, since closing a socket with unread input would reset it and destroy what we sent last.
void ClientConnection::part() {
  if (peer_closed_) return vanish();
  transport_.shutdown_write();
}

void ClientConnection::destroy() {
  if (is_gone()) return;
  closed_by(ClosedBy::app);
  transport_.abort();
  lose();
}

void ClientConnection::say_goodbye(std::uint16_t code) {
  if (phase_ == Phase::open) close_as(ClosedBy::server, code, {});
  if (phase_ == Phase::opening) {
    if (!transport_.is_ready()) return vanish();
    refuse({.status = 503, .text = "The server is going away. Try again.", .headers = {{"Retry-After", "1"}}});
  }
}

void ClientConnection::vanish() {
  if (is_gone()) return;
  phase_ = Phase::gone;
  stop_counting();
  disarm();
  unwatch();
  (void)transport_.close();
  output_.clear();
  notice();
}

void ClientConnection::handle_deadline() {
  switch (phase_) {
    case Phase::opening:
      if (!transport_.is_ready()) return vanish();  // and could not be told so
      return refuse({.status = 408, .text = "The request did not arrive in time.", .headers = {}});
    case Phase::open:
      return tick();
    case Phase::closing:
      return lose();
    case Phase::lingering:
      return vanish();
    case Phase::gone:
      return;
  }
}

void ClientConnection::tick() {
  const Limits& limits = context_.limits;
  const auto now = static_cast<std::uint32_t>(context_.now_ms());
  const auto passed = [now](std::uint32_t since, std::chrono::milliseconds limit) {
    return limit.count() > 0 && now - since >= static_cast<std::uint64_t>(limit.count());
  };
  if (paused_) {
    // Nothing is read, so nothing that the peer does or leaves undone can count.
    missed_pings_ = 0;
    last_message_ms_ = now;
    if (message_begun_ms_ != 0) message_begun_ms_ = std::max(1U, now);
    return context_.ticks.arm(*this, context_.now_ms());
  }
  if (message_begun_ms_ != 0 && passed(message_begun_ms_, limits.message_timeout)) {
    return close_as(ClosedBy::server, close_code::policy_violation, "the message took too long to arrive");
  }
  if (passed(last_message_ms_, limits.idle_timeout)) return close_as(ClosedBy::server, close_code::normal, "idle");
  if (passed(last_ping_ms_, limits.ping_interval)) {
    if (missed_pings_ >= limits.ping_misses) {
      closed_by(ClosedBy::server);
      log::stranger(log::Level::debug, "unanswered pings", "connection {} from {} answers no pings", id_,
                    remote_address());
      return lose();
    }
    ++missed_pings_;
    last_ping_ms_ = now;
    ping();
  }
  context_.ticks.arm(*this, context_.now_ms());
}

void ClientConnection::ping() {
  if (phase_ == Phase::open && output_.size() < context_.limits.send_queue) send_control(protocol::Opcode::ping, {});
}

// ---- telling and watching -------------------------------------------------------------------------------------------

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

// Always after the output it announces: a full arena is flushed in between, and that empties the list.
void ClientConnection::touch() {
  if (touched_) return;
  touched_ = true;
  context_.touched.push_back(this);
}

void ClientConnection::notice() {
  if (noticed_) return;
  noticed_ = true;
  context_.notices.push_back(this);
}

void ClientConnection::note_full() {
  if (full_) return;
  full_ = tell_full_ = true;
  notice();
}

void ClientConnection::note_drained() {
  if (!full_) return;
  full_ = false;
  tell_drained_ = true;
  notice();
}

void ClientConnection::tell() {
  noticed_ = false;
  AppHost& app = context_.app;
  const bool full = tell_full_;
  tell_full_ = false;
  if (full && phase_ == Phase::open && app.buffer_full(*this) == AppHost::Outcome::threw) {
    close_as(ClosedBy::error, close_code::internal_error, {});
  }
  const bool drained = tell_drained_;
  tell_drained_ = false;
  if (drained && phase_ == Phase::open && app.buffer_drain(*this) == AppHost::Outcome::threw) {
    close_as(ClosedBy::error, close_code::internal_error, {});
  }
  const bool over = phase_ == Phase::lingering || phase_ == Phase::gone;
  if (!over || !visible_) return;
  visible_ = false;
  context_.counters.connections.set(context_.counters.connections.get() - 1);
  log_access(switching_protocols);
  app.close(*this, {close_code_, close_reason(), clean_});
  if (memberships_ != nullptr) context_.channels.leave_all(*this);
}

// What the client was answered; of a WebSocket, once it is over.
void ClientConnection::log_access(std::uint16_t status) {
  if (!context_.access_log.is_on()) return;
  AccessEntry entry{.id = id_,
                    .remote = remote_address(),
                    .path = request_.path(),
                    .status = status,
                    .origin = request_.header("Origin"),
                    .subprotocol = subprotocol()};
  if (status == switching_protocols) {
    entry.duration = std::chrono::milliseconds(age_ms());
    entry.traffic = traffic_;
    entry.code = close_code_;
    entry.closed_by = closed_by_;
    entry.reason = close_reason();
  }
  context_.access_log.write(entry);
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
