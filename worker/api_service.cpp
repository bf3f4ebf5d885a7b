#include "worker/api_service.h"

#include <utility>

#include "worker/tcp_transport.h"

namespace wsd::worker {

ApiService::ApiService(Loop& loop, Poller& poller, const Limits& limits, ApiBackend& backend, std::string_view token,
                       std::span<std::byte> buffer)
    : context_(loop, poller, limits, backend, token, buffer) {}

bool ApiService::accept(FileDescriptor socket, std::string remote_address) {
  return start(std::make_unique<ApiConnection>(context_, std::make_unique<TcpTransport>(std::move(socket)),
                                               std::move(remote_address)));
}

void ApiService::resume(const ApiConnection::State& state, FileDescriptor socket) {
  start(std::make_unique<ApiConnection>(context_, state, std::make_unique<TcpTransport>(std::move(socket))));
}

bool ApiService::start(std::unique_ptr<ApiConnection> connection) {
  if (!connection->start()) return false;
  ApiConnection* const address = connection.get();
  connections_.emplace(address, std::move(connection));
  return true;
}

void ApiService::handle_deadlines() {
  const std::uint64_t now_ms = context_.now_ms();
  for (DeadlineList* list : {&context_.arrivals, &context_.silences, &context_.endings}) {
    while (DeadlineHook* hook = list->take_due(now_ms)) static_cast<ApiConnection*>(hook)->handle_deadline();
  }
}

void ApiService::end_turn() {
  for (ApiConnection* connection : std::exchange(context_.gone, {})) connections_.erase(connection);
}

void ApiService::say_goodbye() {
  for (const auto& [address, connection] : connections_) connection->say_goodbye();
}

void ApiService::lose() {
  for (const auto& [address, connection] : connections_) connection->lose();
}

std::vector<ApiService::Saved> ApiService::save() {
  for (const auto& [address, connection] : connections_) connection->give_up_question();
  end_turn();
  std::vector<Saved> saved;
  for (const auto& [address, connection] : connections_) {
    saved.push_back({connection->save(), connection->descriptor()});
  }
  return saved;
}

void ApiService::hand_over() {
  for (const auto& [address, connection] : connections_) connection->hand_over();
  connections_.clear();
}

}  // namespace wsd::worker
