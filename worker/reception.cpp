#include "worker/reception.h"

#include <memory>
#include <utility>

namespace wsd::worker {

namespace {

protocol::HttpError out_of_room() {
  return {.status = 503,
          .text = "The server has no room for another connection. Try again in a few seconds.",
          .headers = {{"Retry-After", "5"}}};
}

}  // namespace

Reception::Reception(ConnectionContext& context, ConnectionTable& connections, ApiService& api, TlsContext* tls,
                     MasterLink& master, ConnectionId id_base)
    : context_(context),
      connections_(connections),
      api_(api),
      tls_(tls),
      master_(master),
      last_id_(id_base),
      greetings_(context, [this](Accepted client, SocketKind kind) { accept(std::move(client), kind); }),
      sockets_(
          context.poller, context.limits.accepts_per_turn,
          [this](Accepted client, const SocketRole& role) {
            return role.proxied ? accept_proxied(std::move(client), role.kind) : accept(std::move(client), role.kind);
          },
          [this] { room_.become_exhausted(); }),
      room_(context.limits, sockets_, master, [this] { return use(); }) {}

// ---- sockets --------------------------------------------------------------------------------------------------------

void Reception::serve(SlotSockets slot) {
  if (slot.sockets.empty()) {  // there was no descriptor for them: somebody else must
    room_.become_exhausted();
    return master_.report_released(slot.slot);
  }
  if (close_code_) return;  // the descriptors close here: nobody holds what nobody serves
  sockets_.add(std::move(slot), room_.is_full() ? ServedSockets::Begin::paused : ServedSockets::Begin::accepting);
}

void Reception::release(std::uint16_t slot) {
  if (room_.is_free()) sockets_.accept_rest(slot);
  sockets_.remove(slot);
  master_.report_released(slot);
}

void Reception::close(std::uint16_t close_code) {
  close_code_ = close_code;
  for (const std::uint16_t slot : sockets_.remove_all()) master_.report_released(slot);
}

// ---- clients --------------------------------------------------------------------------------------------------------

Listener::Verdict Reception::accept(Accepted client, SocketKind kind) {
  return kind == SocketKind::api ? accept_api(std::move(client)) : accept_websocket(std::move(client), kind);
}

Listener::Verdict Reception::accept_websocket(Accepted client, SocketKind kind) {
  context_.counters.accepted.add(1);
  auto transport = transport_for(client, kind);
  if (!transport) {
    room_.become_exhausted();
    return Listener::Verdict::stop_for_now;
  }
  auto connection =
      std::make_unique<ClientConnection>(context_, ++last_id_, std::move(*transport), client.remote_address);
  if (!connection->start()) return stop_being_full();  // the kernel's limit of watches: as good as out of descriptors
  if (room_.is_free()) {
    connection->admit();
  } else {
    context_.counters.refused.add(1);
    connection->refuse(out_of_room());
  }
  if (close_code_) connection->say_goodbye(*close_code_);  // its PROXY header came too late
  connections_.add(std::move(connection));
  return go_on_unless_full();
}

// None if there is no memory for it.
std::optional<ClientTransport> Reception::transport_for(Accepted& client, SocketKind kind) {
  if (kind != SocketKind::secure) return ClientTransport(std::move(client.socket));
  auto transport = tls_ == nullptr ? nullptr : tls_->accept(std::move(client.socket), client.remote_address);
  return transport == nullptr ? std::nullopt : std::optional<ClientTransport>(std::in_place, std::move(transport));
}

Listener::Verdict Reception::accept_proxied(Accepted peer, SocketKind kind) {
  return greetings_.accept(std::move(peer), kind) ? go_on_unless_full() : stop_being_full();
}

// While there is no room it has to wait in the accept queue, where a caller's own timeout bounds it.
Listener::Verdict Reception::accept_api(Accepted client) {
  const bool accepted = api_.accept(std::move(client.socket), std::move(client.remote_address));
  return accepted ? go_on_unless_full() : stop_being_full();
}

Listener::Verdict Reception::go_on_unless_full() {
  return room_.has_place() ? Listener::Verdict::go_on : stop_being_full();
}

Listener::Verdict Reception::stop_being_full() {
  room_.become_full();
  return Listener::Verdict::stop_for_now;
}

ClientRoom::Use Reception::use() const {
  // A TLS client needs another one to be relayed at a reload.
  return {.clients = client_count(), .descriptors = client_count() + connections_.unmovable()};
}

}  // namespace wsd::worker
