// The API's questions, asked of the bus.

#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "worker/api_backend.h"
#include "worker/bus.h"

namespace wsd::worker {

class BusBackend final : public ApiBackend {
 public:
  // `bus` outlives it. `is_ready` says whether the worker serves.
  BusBackend(Bus& bus, std::function<bool()> is_ready) : bus_(bus), is_ready_(std::move(is_ready)) {}

  void publish(std::string_view channel, std::string_view data, MessageType type, std::span<const ConnectionId> exclude,
               std::function<void(Published)> answer) override;
  void send(ConnectionId id, std::string_view data, MessageType type, std::function<void(Told)> answer) override;
  void close(ConnectionId id, std::uint16_t code, std::string_view reason, std::function<void(Told)> answer) override;
  void list_channels(std::string_view prefix, std::function<void(Channels)> answer) override;
  void describe_channel(std::string_view name, std::function<void(ChannelDetails)> answer) override;
  void describe_connection(ConnectionId id, std::function<void(ConnectionDetails)> answer) override;
  [[nodiscard]] bool is_ready() const override { return is_ready_(); }

 private:
  Bus& bus_;
  const std::function<bool()> is_ready_;
};

}  // namespace wsd::worker
