// How one worker's clients, and its place on the bus, become its successor's (handoff.h, docs/reload.md).

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "protocol/close_code.h"
#include "worker/log.h"
#include "worker/server.h"

namespace wsd::worker {

namespace {

// A worker's end and the relay's, which holds as much for a client that does not read as its socket would. Empty if
// there are no descriptors.
std::pair<FileDescriptor, FileDescriptor> make_relay_pair() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
  const int send_buffer = Limits::unsent_in_kernel / 2;  // the kernel doubles it
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

struct Server::Relaying {
  RelayCargo cargo;
  std::vector<ClientConnection*> connections;  // of each of its clients, until it has their transports
};

// TLS connections are offered with the plaintext end of a pair in their socket's place.
Server::Relaying Server::offer_connections(HandoffSender& handoff, std::optional<std::uint64_t> relay_time_ms) {
  Relaying relaying;
  const std::uint64_t window_ms = static_cast<std::uint64_t>(heritage_.limits.drain_timeout.count()) * 2 / 3;
  std::minstd_rand random(heritage_.incarnation);
  std::uniform_int_distribution<std::uint64_t> jitter_ms(0, window_ms);
  for (ClientConnection& connection : connections_) {
    ConnectionState state = connection.save();
    state.relay = departures_.relays().relay_of(state.id);
    state.relay_end_ms = departures_.relays().due_of(state.id);
    if (connection.is_movable()) {
      handoff.add(state, connection.descriptor());
      continue;
    }
    auto [theirs, ours] = make_relay_pair();
    if (!ours) {
      handoff.fail("it is out of descriptors for relays of TLS");
      break;
    }
    state.relay = heritage_.incarnation;
    if (relay_time_ms) state.relay_end_ms = context_.now_ms() + *relay_time_ms + jitter_ms(random);
    handoff.add(state, std::move(theirs));
    relaying.connections.push_back(&connection);
    relaying.cargo.clients.push_back({.transport = nullptr, .worker = std::move(ours)});
  }
  if (relay_time_ms) {
    // What is left of the drain's time is for close handshakes, and for those that must not be cut.
    relaying.cargo.ends_at_ms = context_.now_ms() + *relay_time_ms +
                                static_cast<std::uint64_t>(heritage_.limits.drain_timeout.count()) +
                                static_cast<std::uint64_t>(heritage_.limits.close_timeout.count());
  }
  return relaying;
}

// Nothing of the loop runs meanwhile, so nothing is accepted, read or called between the first save() and the end.
void Server::hand_over(FileDescriptor stream, std::optional<std::uint64_t> relay_time_ms) {
  do {  // what a callback publishes meanwhile may wait again
    channels_.send_all();
    end_turn();
  } while (channels_.has_waiting());
  const auto api_connections = api_.save();
  HandoffSender handoff(RecordSocket(std::move(stream)), reception_.client_count(), heritage_.limits.handoff_patience);
  for (const ApiService::Saved& saved : api_connections) handoff.add(saved.state, saved.descriptor);
  for (const auto& greeting : reception_.greetings().save()) handoff.add(greeting.state, greeting.descriptor);
  Relaying relaying = offer_connections(handoff, relay_time_ms);
  const MeshBus::State bus = bus_.save();
  handoff.add_bus(bus.records, bus.links);
  if (!is_taken(handoff, !relaying.connections.empty())) return go_on_after(handoff);
  let_go(std::move(relaying));
  mode_ = Mode::leaving;
  loop_.stop();
}

bool Server::is_taken(HandoffSender& handoff, bool with_relays) {
  // Before the new worker counts them, or status would show them twice.
  const std::uint64_t visible = context_.counters.connections.get();
  context_.counters.connections.set(0);
  std::vector<ClientConnection*> counted;
  for (ClientConnection& connection : connections_) {
    if (connection.stop_counting()) counted.push_back(&connection);
  }
  const bool accepted = handoff.offer_accepted();
  if (accepted && with_relays) master_.report_relays();  // before the new worker says that it serves
  if (accepted && handoff.commit()) return true;
  context_.counters.connections.set(visible);
  for (ClientConnection* connection : counted) connection->count_again();
  return false;
}

void Server::go_on_after(HandoffSender& handoff) {
  if (RecordSocket unheard = handoff.withdraw()) unheard_withdrawals_.push_back(std::move(unheard));
  log::warning("the handoff failed, and this worker goes on: {}", handoff.failure());
  master_.report_handoff_failed(handoff.failure());
}

void Server::let_go(Relaying relaying) {
  reception_.close(protocol::close_code::going_away);
  bus_.hand_over();
  channels_.hand_over();
  api_.hand_over();
  reception_.greetings().hand_over();
  for (std::size_t i = 0; i < relaying.connections.size(); ++i) {
    relaying.cargo.clients[i].transport = relaying.connections[i]->hand_over();
  }
  for (ClientConnection& connection : connections_) (void)connection.hand_over();
  connections_.clear();
  if (relaying.connections.empty()) return;
  relaying.cargo.tls = std::move(tls_);
  relay_cargo_ = std::move(relaying.cargo);
}

void Server::resume(HandoffReceiver::Outcome outcome) {
  const bool has_bus = !outcome.bus.records.empty() && bus_.restore(outcome.bus.records, std::move(outcome.bus.links));
  resume_connections(outcome.connections);
  for (HandedApiConnection& connection : outcome.api_connections) {
    api_.resume(connection.state, std::move(connection.socket));
  }
  auto& greetings = outcome.greetings;
  std::ranges::sort(greetings, {}, [](const HandedGreeting& greeting) { return greeting.state.due_ms; });
  for (HandedGreeting& greeting : greetings) {
    reception_.greetings().resume(greeting.state, std::move(greeting.socket));
  }
  const std::uint64_t pause_ns = outcome.offered_at_ns == 0 ? 0 : uv_hrtime() - outcome.offered_at_ns;
  begin_to_serve();
  // Before it has the place: what is due to whoever has it, as the number of homes, would come before the links.
  if (!has_bus) master_.report_joins_bus();
  master_.report_took_over(outcome.connections.size(), pause_ns / 1000);
  // The master told us to go, or died, while they were on their way.
  if (mode_ == Mode::leaving) say_goodbye(protocol::close_code::going_away);
}

void Server::resume_connections(std::vector<HandedConnection>& handed) {
  std::ranges::sort(handed, {}, [](const HandedConnection& connection) { return connection.state.due_ms; });
  for (HandedConnection& connection : handed) {
    const ConnectionState& state = connection.state;
    connections_.add(
        std::make_unique<ClientConnection>(context_, state, ClientTransport(std::move(connection.socket))));
    if (state.relay == 0 && state.relay_end_ms == 0) continue;
    departures_.relays().add(state.id, state.relay, state.relay_end_ms);
  }
  for (const HandedConnection& connection : handed) {
    connections_.at(connection.state.id).attach(connection.state.due_ms);
  }
  for (const HandedConnection& connection : handed) connections_.at(connection.state.id).resume();
}

}  // namespace wsd::worker
