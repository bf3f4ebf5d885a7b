// What the bodies and paths of requests to the HTTP API are made of: channels, ids, messages, close codes.
//
// What is wrong with a member of a body its JsonReader is told, and keeps; the value read is then of no use.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_reader.h"

namespace wsd::worker::api {

inline constexpr std::size_t max_channel_name = 255;

[[nodiscard]] bool is_utf8(std::string_view text);
[[nodiscard]] std::optional<ConnectionId> parse_id(std::string_view text);

// "channel": a view that lives as long as the reader.
[[nodiscard]] std::string_view read_channel(protocol::JsonReader& json);
// A string of digits, or a number that is small enough to have kept all of its own.
[[nodiscard]] ConnectionId read_id(protocol::JsonReader& json, std::string_view name);
// "exclude": one id or several.
[[nodiscard]] std::vector<ConnectionId> read_excluded(protocol::JsonReader& json);
// "code", and "reason": a view that lives as long as the reader.
[[nodiscard]] std::uint16_t read_close_code(protocol::JsonReader& json);
[[nodiscard]] std::string_view read_close_reason(protocol::JsonReader& json);

// The message of a publish or send: "data", or "data_base64", and "type". Lives as long as its JsonReader.
class PushedMessage {
 public:
  explicit PushedMessage(protocol::JsonReader& json);
  PushedMessage(const PushedMessage&) = delete;
  PushedMessage& operator=(const PushedMessage&) = delete;

  [[nodiscard]] std::string_view data() const { return data_; }
  [[nodiscard]] MessageType type() const { return type_; }

 private:
  void read_encoded(protocol::JsonReader& json, std::string_view encoded);
  void read_type(protocol::JsonReader& json);

  std::string decoded_;
  std::string_view data_;
  MessageType type_ = MessageType::text;
};

}  // namespace wsd::worker::api
