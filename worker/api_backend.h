// What the HTTP API asks of the server: the channels and connections of the whole machine.
//
// Implemented by the server, which outlives whoever asks. Arguments die when a call returns. Each `answer` is called
// exactly once, from the loop, within 500 ms, maybe before the call returns; what another worker did not tell by then
// is missing, and `partial` says so.

#pragma once

#include <wsd/message.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "worker/bus.h"

namespace wsd::worker {

class ApiBackend {
 public:
  // `channel`: UTF-8, 1 to 255 bytes. `data`: at most Limits::max_message, UTF-8 if it is text.
  virtual void publish(std::string_view channel, std::string_view data, MessageType type,
                       std::span<const ConnectionId> exclude, Bus::TellDelivery answer) = 0;
  virtual void send(ConnectionId id, std::string_view data, MessageType type, Bus::TellOne answer) = 0;
  // `code` may be sent (protocol/close_code.h); `reason`: UTF-8, at most 123 bytes.
  virtual void close(ConnectionId id, std::uint16_t code, std::string_view reason, Bus::TellOne answer) = 0;
  virtual void list_channels(std::string_view prefix, Bus::TellChannels answer) = 0;
  virtual void describe_channel(std::string_view name, Bus::TellChannel answer) = 0;
  virtual void describe_connection(ConnectionId id, Bus::TellConnection answer) = 0;
  // Of the whole server, in Prometheus' text format (metrics_page.h).
  [[nodiscard]] virtual std::string metrics() const = 0;
  // Serving, and not about to leave.
  [[nodiscard]] virtual bool is_ready() const = 0;

 protected:
  ApiBackend() = default;
  ~ApiBackend() = default;
  ApiBackend(const ApiBackend&) = delete;
  ApiBackend(ApiBackend&&) = delete;
  ApiBackend& operator=(const ApiBackend&) = delete;
  ApiBackend& operator=(ApiBackend&&) = delete;
};

}  // namespace wsd::worker
