// How one worker's clients, and its place on the bus, become its successor's (handoff.h, docs/reload.md).

#include <algorithm>
#include <utility>

#include "protocol/close_code.h"
#include "worker/log.h"
#include "worker/server.h"
#include "worker/tcp_transport.h"

namespace wsd::worker {

// Nothing of the loop runs meanwhile, so nothing is accepted, read or called between the first save() and the end.
void Server::hand_over(FileDescriptor stream) {
  do {  // what a callback publishes meanwhile may wait in a batch again
    channels_.send_batches();
    end_turn();
  } while (channels_.has_batches());
  const auto api_connections = api_.save();
  HandoffSender handoff(RecordSocket(std::move(stream)), client_count(), heritage_.limits.handoff_patience);
  for (const ApiService::Saved& saved : api_connections) handoff.add(saved.state, saved.descriptor);
  for (const auto& greeting : greetings_.save()) handoff.add(greeting.state, greeting.descriptor);
  for (const auto& [id, connection] : connections_) handoff.add(connection->save(), connection->descriptor());
  const MeshBus::State bus = bus_.save();
  handoff.add_bus(bus.records, bus.links);
  // Before the new worker counts them, or status would show them twice.
  const std::uint64_t visible = context_.counters.connections.get();
  context_.counters.connections.set(0);
  if (!handoff.offer_accepted() || !handoff.commit()) {
    context_.counters.connections.set(visible);
    if (RecordSocket unheard = handoff.withdraw()) unheard_withdrawals_.push_back(std::move(unheard));
    log::warning("the handoff failed, and this worker goes on: {}", handoff.failure());
    return master_.report_handoff_failed(handoff.failure());
  }
  mode_ = Mode::leaving;
  close_listeners();
  bus_.hand_over();
  channels_.hand_over();
  api_.hand_over();
  greetings_.hand_over();
  for (const auto& [id, connection] : connections_) connection->hand_over();
  connections_.clear();
  loop_.stop();
}

void Server::take_over(FileDescriptor stream) {
  handoff_ = std::make_unique<HandoffReceiver>(
      loop_, RecordSocket(std::move(stream)), [this](HandoffReceiver::Outcome outcome) { resume(std::move(outcome)); });
}

// The old worker is dead, says the master.
void Server::serve_alone() {
  predecessor_is_dead_ = true;
  if (handoff_ != nullptr || serves_its_slot_) return;  // the end of the stream is on its way, or was enough
  resume(orphaned_ ? std::move(*orphaned_) : HandoffReceiver::Outcome());
}

void Server::resume(HandoffReceiver::Outcome outcome) {
  handoff_.reset();
  if (outcome.result == HandoffReceiver::Result::withdrawn && !predecessor_is_dead_) return;  // we are sent away
  if (outcome.result == HandoffReceiver::Result::orphaned && !predecessor_is_dead_) {
    orphaned_ = std::move(outcome);
    return;
  }
  const bool has_bus = !outcome.bus.records.empty() && bus_.restore(outcome.bus.records, std::move(outcome.bus.links));
  auto& handed = outcome.connections;
  std::ranges::sort(handed, {}, [](const HandedConnection& connection) { return connection.state.due_ms; });
  for (HandedConnection& connection : handed) {
    const ConnectionState& state = connection.state;
    auto resumed = std::make_unique<ClientConnection>(context_, state,
                                                      std::make_unique<TcpTransport>(std::move(connection.socket)));
    connections_.emplace(state.id, std::move(resumed));
  }
  for (const HandedConnection& connection : handed) {
    connections_.at(connection.state.id)->attach(connection.state.due_ms);
  }
  for (const HandedConnection& connection : handed) connections_.at(connection.state.id)->resume();
  for (HandedApiConnection& connection : outcome.api_connections) {
    api_.resume(connection.state, std::move(connection.socket));
  }
  auto& greetings = outcome.greetings;
  std::ranges::sort(greetings, {}, [](const HandedGreeting& greeting) { return greeting.state.due_ms; });
  for (HandedGreeting& greeting : greetings) greetings_.resume(greeting.state, std::move(greeting.socket));
  const std::uint64_t pause_ns = outcome.offered_at_ns == 0 ? 0 : uv_hrtime() - outcome.offered_at_ns;
  begin_to_serve();
  master_.report_took_over(handed.size(), pause_ns / 1000);
  if (!has_bus) master_.report_joins_bus();
  // The master told us to go, or died, while they were on their way.
  if (mode_ != Mode::leaving) return;
  for (const auto& [id, connection] : connections_) connection->say_goodbye(protocol::close_code::going_away);
  api_.say_goodbye();
}

}  // namespace wsd::worker
