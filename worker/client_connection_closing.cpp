// The ways out: a closing handshake, a failure, a stream that is dead. All end in vanish().

#include <array>

#include "protocol/close_code.h"
#include "worker/channels.h"
#include "worker/client_connection.h"
#include "worker/log.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

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

void ClientConnection::close(std::uint16_t code, std::string_view reason) {
  close_as(ClosedBy::app, code, reason);
}

void ClientConnection::close_as(ClosedBy who, std::uint16_t code, std::string_view reason) {
  if (!catch_up()) return;
  closed_by(who);
  begin_close(protocol::may_be_sent_by_peer(code) ? code : close_code::internal_error, reason);
}

void ClientConnection::close_slow() {
  context_.counters.slow_closed.add(1);
  closed_by(ClosedBy::server);
  begin_close(close_code::try_again_later, "it reads too slowly");
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

void ClientConnection::leave_open(Phase phase) {
  if (phase_ == Phase::open) Channels::note_ending(*this);
  phase_ = phase;
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

}  // namespace wsd::worker
