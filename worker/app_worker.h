// What an application sees of its worker: the public face of the server (wsd/worker.h), made of the parts that do it.
//
// Owned by the server; alive as long as the application runs.

#pragma once

#include <wsd/worker.h>

#include <functional>
#include <string_view>

#include "worker/app_host.h"
#include "worker/channels.h"
#include "worker/connection_table.h"
#include "worker/heritage.h"
#include "worker/mesh_bus.h"
#include "worker/timer_table.h"

namespace wsd::worker {

class AppWorker final : public Worker {
 public:
  // All outlive it, and need not be there yet when it is made. `stop_accepting` is called for each stop_accepting().
  AppWorker(const Heritage& heritage, AppHost& app, const ConnectionTable& connections, Channels& channels,
            MeshBus& bus, TimerTable& timers, std::function<void()> stop_accepting);

  [[nodiscard]] unsigned slot() const override { return heritage_.slot; }
  [[nodiscard]] unsigned generation() const override { return heritage_.generation; }
  [[nodiscard]] std::size_t connection_count() const override;
  void for_each_connection(const std::function<void(Connection&)>& visit) override;
  [[nodiscard]] Connection* find(ConnectionId id) override;
  SendResult publish(std::string_view channel, std::string_view data, MessageType type) override;
  void publish(std::string_view channel, std::string_view data, MessageType type,
               std::function<void(const Delivery&)> tell) override;
  SendResult deliver(std::string_view channel, std::string_view data, MessageType type) override;
  SendResult send_to(ConnectionId id, std::string_view data, MessageType type) override;
  void close_connection(ConnectionId id, std::uint16_t code, std::string_view reason) override;
  void ask_channel(std::string_view channel, std::function<void(const ChannelInfo&)> tell) override;
  TimerId every(std::chrono::nanoseconds interval, std::function<void()> callback) override;
  TimerId after(std::chrono::nanoseconds delay, std::function<void()> callback) override;
  void cancel(TimerId timer) override { timers_.cancel(timer); }
  void stop_accepting() override { stop_accepting_(); }
  void log(std::string_view line) override;

 private:
  const Heritage& heritage_;
  AppHost& app_;
  const ConnectionTable& connections_;
  Channels& channels_;
  MeshBus& bus_;
  TimerTable& timers_;
  const std::function<void()> stop_accepting_;
};

}  // namespace wsd::worker
