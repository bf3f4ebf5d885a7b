#include "worker/app_worker.h"

#include <string>
#include <utility>
#include <vector>

#include "worker/log.h"

namespace wsd::worker {

AppWorker::AppWorker(const Heritage& heritage, AppHost& app, const ConnectionTable& connections, Channels& channels,
                     MeshBus& bus, TimerTable& timers, std::function<void()> stop_accepting)
    : heritage_(heritage),
      app_(app),
      connections_(connections),
      channels_(channels),
      bus_(bus),
      timers_(timers),
      stop_accepting_(std::move(stop_accepting)) {}

// ---- connections ----------------------------------------------------------------------------------------------------

std::size_t AppWorker::connection_count() const {
  return heritage_.scoreboard->row(heritage_.scoreboard_row).connections.get();
}

void AppWorker::for_each_connection(const std::function<void(Connection&)>& visit) {
  // Nothing `visit` may do destroys a connection or accepts one: the table stays as it is.
  for (ClientConnection& connection : connections_) {
    if (connection.is_open()) visit(connection);
  }
}

Connection* AppWorker::find(ConnectionId id) {
  ClientConnection* const found = connections_.find(id);
  return found != nullptr && found->is_open() ? found : nullptr;
}

SendResult AppWorker::send_to(ConnectionId id, std::string_view data, MessageType type) {
  return bus_.send_to(id, data, type, {});
}

void AppWorker::close_connection(ConnectionId id, std::uint16_t code, std::string_view reason) {
  bus_.close_connection(id, code, reason, {});
}

// ---- channels -------------------------------------------------------------------------------------------------------

SendResult AppWorker::publish(std::string_view channel, std::string_view data, MessageType type) {
  return channels_.publish(channel, data, type);
}

void AppWorker::publish(std::string_view channel, std::string_view data, MessageType type,
                        std::function<void(const Delivery&)> tell) {
  channels_.publish(channel, data, type,
                    [this, tell = std::move(tell)](const Delivery& delivery) { app_.answer([&] { tell(delivery); }); });
}

SendResult AppWorker::deliver(std::string_view channel, std::string_view data, MessageType type) {
  return channels_.deliver_here(channel, data, type);
}

void AppWorker::ask_channel(std::string_view channel, std::function<void(const ChannelInfo&)> tell) {
  bus_.ask_channel(channel, [this, name = std::string(channel), tell = std::move(tell)](const ChannelReport& report) {
    std::vector<Member> members;
    for (const NamedMember& member : report.members) members.push_back({member.id, member.name});
    app_.answer([&] { tell({name, report.subscribers, members, report.partial}); });
  });
}

// ---- timers and the log ---------------------------------------------------------------------------------------------

TimerId AppWorker::every(std::chrono::nanoseconds interval, std::function<void()> callback) {
  return timers_.every(interval, std::move(callback));
}

TimerId AppWorker::after(std::chrono::nanoseconds delay, std::function<void()> callback) {
  return timers_.after(delay, std::move(callback));
}

void AppWorker::log(std::string_view line) {
  log::info("{}", line);
}

}  // namespace wsd::worker
