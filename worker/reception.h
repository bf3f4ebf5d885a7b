// Where clients come in: from the queue of a listening socket to a client of one kind or another, or to a 503.
//
// Owned by the server, whose connections it adds to.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "worker/api_service.h"
#include "worker/client_room.h"
#include "worker/client_transport.h"
#include "worker/connection_context.h"
#include "worker/connection_table.h"
#include "worker/heritage.h"
#include "worker/listener.h"
#include "worker/master_link.h"
#include "worker/proxy_greetings.h"
#include "worker/served_sockets.h"
#include "worker/socket_kind.h"
#include "worker/tls_context.h"

namespace wsd::worker {

class Reception {
 public:
  // All outlive it; the link to the master need not be there yet. `tls`: null if there are no certificates. `id_base`:
  // connection_id.h.
  Reception(ConnectionContext& context, ConnectionTable& connections, ApiService& api, TlsContext* tls,
            MasterLink& master, ConnectionId id_base);

  // Accepts from this slot's sockets too.
  void serve(SlotSockets slot);
  // Does so no longer.
  void release(std::uint16_t slot);
  // Whoever waits in a queue, before its socket is closed for good.
  void accept_rest() { sockets_.accept_rest(); }
  // Serves no socket any more. A client that its proxy has not introduced yet is told `close_code` when it comes.
  void close(std::uint16_t close_code);

  [[nodiscard]] ClientRoom& room() { return room_; }
  [[nodiscard]] ProxyGreetings& greetings() { return greetings_; }
  // Of all kinds, and those that may become one.
  [[nodiscard]] std::size_t client_count() const { return connections_.size() + api_.size() + greetings_.size(); }

 private:
  Listener::Verdict accept(Accepted client, SocketKind kind);
  Listener::Verdict accept_websocket(Accepted client, SocketKind kind);
  [[nodiscard]] std::optional<ClientTransport> transport_for(Accepted& client, SocketKind kind);
  Listener::Verdict accept_api(Accepted client);
  Listener::Verdict accept_proxied(Accepted peer, SocketKind kind);
  [[nodiscard]] Listener::Verdict go_on_unless_full();
  [[nodiscard]] Listener::Verdict stop_being_full();
  [[nodiscard]] ClientRoom::Use use() const;

  ConnectionContext& context_;
  ConnectionTable& connections_;
  ApiService& api_;
  TlsContext* const tls_;
  MasterLink& master_;
  ConnectionId last_id_;
  ProxyGreetings greetings_;
  ServedSockets sockets_;
  ClientRoom room_;
  std::optional<std::uint16_t> close_code_;  // once it is closed
};

}  // namespace wsd::worker
