// What is due when: the request, a ping, the end of an idle one or of one that does not answer.

#include <algorithm>
#include <chrono>

#include "protocol/close_code.h"
#include "worker/client_connection.h"
#include "worker/log.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

DeadlineList& ClientConnection::deadlines() {
  if (phase_ == Phase::opening) return context_.handshakes;
  return phase_ == Phase::open ? context_.ticks : context_.endings;
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
    set_last_message_ms(context_.now_ms());
    if (message_begun_ms_ != 0) message_begun_ms_ = std::max(1U, now);
    return context_.ticks.arm(*this, context_.now_ms());
  }
  if (message_begun_ms_ != 0 && passed(message_begun_ms_, limits.message_timeout)) {
    return close_as(ClosedBy::server, close_code::policy_violation, "the message took too long to arrive");
  }
  // Its lower half: a worker of before has handed over no more of it.
  if (passed(last_message_ms_low_, limits.idle_timeout)) {
    return close_as(ClosedBy::server, close_code::normal, "idle");
  }
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

}  // namespace wsd::worker
