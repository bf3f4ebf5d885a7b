#include "worker/client_connection.h"

#include <chrono>
#include <utility>

#include "protocol/close_code.h"
#include "worker/channels.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

namespace {

constexpr std::uint16_t switching_protocols = 101;

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

ClientConnection::~ClientConnection() {
  unwatch();
  stop_counting();
  if (has_deflate()) context_.freed_memory.add(deflate_->own_memory());
}

bool ClientConnection::start() {
  watched_events_ = wanted_events();
  watched_ = context_.poller.add(transport_.descriptor(), *this, watched_events_);
  if (!watched_) return false;
  context_.handshakes.arm(*this, context_.now_ms());
  return true;
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

void ClientConnection::set_opened_ms(std::uint64_t ms) {
  opened_ms_low_ = static_cast<std::uint32_t>(ms);
  opened_ms_high_ = static_cast<std::uint8_t>(ms >> 32U);
}

std::uint64_t ClientConnection::age_ms() const {
  return context_.now_ms() - opened_ms();
}

std::uint64_t ClientConnection::idle_ms() const {
  constexpr std::uint64_t known = (std::uint64_t{high_of_last_message} << 32U) | 0xFFFF'FFFFU;
  return (context_.now_ms() - last_message_ms()) & known;
}

TlsProtocol ClientConnection::tls() const {
  return transport_.is_movable() ? relayed_tls_ : transport_.tls();
}

ConnectionRow ClientConnection::describe() const {
  using State = ConnectionRow::State;
  const bool is_opening = phase_ == Phase::opening;
  const bool was_opened = opened_ms() != 0;
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

}  // namespace wsd::worker
