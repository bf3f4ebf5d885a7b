// The API's questions, asked of the bus.

#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "worker/api_backend.h"
#include "worker/bus.h"

namespace wsd::worker {

class BusBackend final : public ApiBackend {
 public:
  // `bus` outlives it. `is_ready` says whether the worker serves.
  BusBackend(Bus& bus, std::function<bool()> is_ready, std::function<std::string()> metrics)
      : bus_(bus), is_ready_(std::move(is_ready)), metrics_(std::move(metrics)) {}

  void publish(std::string_view channel, std::string_view data, MessageType type, std::span<const ConnectionId> exclude,
               Bus::TellDelivery answer) override {
    bus_.publish({channel, data, type, 0, exclude}, std::move(answer));
  }
  void send(ConnectionId id, std::string_view data, MessageType type, Bus::TellOne answer) override {
    bus_.send_to(id, data, type, std::move(answer));
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view reason, Bus::TellOne answer) override {
    bus_.close_connection(id, code, reason, std::move(answer));
  }
  void list_channels(std::string_view prefix, Bus::TellChannels answer) override {
    bus_.list_channels(prefix, std::move(answer));
  }
  void describe_channel(std::string_view name, Bus::TellChannel answer) override {
    bus_.ask_channel(name, std::move(answer));
  }
  void describe_connection(ConnectionId id, Bus::TellConnection answer) override {
    bus_.ask_connection(id, std::move(answer));
  }
  [[nodiscard]] std::string metrics() const override { return metrics_(); }
  [[nodiscard]] bool is_ready() const override { return is_ready_(); }

 private:
  Bus& bus_;
  const std::function<bool()> is_ready_;
  const std::function<std::string()> metrics_;
};

}  // namespace wsd::worker
