// What the HTTP API asks of the server: the channels and connections of the whole machine.
//
// Implemented by the server, which outlives whoever asks. Arguments die when a call returns. Each `answer` is called
// exactly once, from the loop, within 500 ms, maybe before the call returns; what another worker did not tell by then
// is missing, and `partial` says so.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::worker {

class ApiBackend {
 public:
  struct Published {
    std::size_t delivered_to = 0;  // subscribers whose queue took it
    bool partial = false;
  };
  // Of send and close.
  struct Told {
    bool found = false;                       // there is such a connection
    SendResult result = SendResult::dropped;  // of send
    bool partial = false;                     // the worker that may have it did not answer: not found means nothing
  };
  struct ChannelSummary {
    std::string name;
    std::size_t subscribers = 0;
  };
  struct Channels {
    std::vector<ChannelSummary> channels;  // sorted by name
    bool partial = false;
  };
  struct ChannelMember {
    ConnectionId id = 0;
    std::string name;
  };
  struct ChannelDetails {
    bool found = false;  // somebody is subscribed to it
    std::size_t subscribers = 0;
    bool presence = false;
    std::vector<ChannelMember> members;  // with presence
    bool partial = false;
  };
  struct ConnectionDetails {
    bool found = false;
    bool partial = false;
    std::string remote_address;
    std::string path;
    std::string subprotocol;
    unsigned slot = 0;
    std::uint64_t age_ms = 0;
    std::uint64_t idle_ms = 0;  // since its last message
    std::size_t buffered_bytes = 0;
    std::vector<std::string> channels;
  };

  // `channel`: UTF-8, 1 to 255 bytes. `data`: at most Limits::max_message, UTF-8 if it is text.
  virtual void publish(std::string_view channel, std::string_view data, MessageType type,
                       std::span<const ConnectionId> exclude, std::function<void(Published)> answer) = 0;
  virtual void send(ConnectionId id, std::string_view data, MessageType type, std::function<void(Told)> answer) = 0;
  // `code` may be sent (protocol/close_code.h); `reason`: UTF-8, at most 123 bytes.
  virtual void close(ConnectionId id, std::uint16_t code, std::string_view reason,
                     std::function<void(Told)> answer) = 0;
  virtual void list_channels(std::string_view prefix, std::function<void(Channels)> answer) = 0;
  virtual void describe_channel(std::string_view name, std::function<void(ChannelDetails)> answer) = 0;
  virtual void describe_connection(ConnectionId id, std::function<void(ConnectionDetails)> answer) = 0;
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
