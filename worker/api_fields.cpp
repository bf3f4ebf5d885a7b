#include "worker/api_fields.h"

#include <charconv>
#include <span>
#include <utility>

#include "protocol/base64.h"
#include "protocol/close_code.h"
#include "protocol/utf8.h"

namespace wsd::worker::api {

using protocol::JsonReader;

namespace {

constexpr std::size_t max_excluded = 1000;
// JavaScript and many JSON readers keep numbers as doubles: above this, not every integer is one.
constexpr std::uint64_t largest_exact_number = std::uint64_t{1} << 53U;

// What is no id is an error, and 0.
ConnectionId read_id(JsonReader& json, std::string_view name, std::string_view text) {
  const auto id = parse_id(text);
  if (!id) json.refuse(name, R"(A connection's id is a string of decimal digits, as in "72057598332895233".)");
  return id.value_or(0);
}

}  // namespace

bool is_utf8(std::string_view text) {
  return protocol::is_valid_utf8(std::as_bytes(std::span(text)));
}

std::optional<ConnectionId> parse_id(std::string_view text) {
  ConnectionId id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem != std::errc() || end != text.data() + text.size() || id == 0) return std::nullopt;
  return id;
}

std::string_view read_channel(JsonReader& json) {
  const auto channel = json.string("channel");
  if (!channel) {
    json.refuse("channel", R"("channel" is missing: the name of a channel.)");
  } else if (channel->empty() || channel->size() > max_channel_name) {
    json.refuse("channel", R"("channel" must have 1 to 255 bytes.)");
  }
  return channel.value_or("");
}

ConnectionId read_id(JsonReader& json, std::string_view name) {
  if (json.kind(name) != JsonReader::Kind::integer) return read_id(json, name, json.string(name).value_or(""));
  const std::uint64_t id = json.unsigned_integer(name).value_or(0);
  if (id == 0) json.refuse(name, "No connection has the id 0.");
  if (id > largest_exact_number) {
    json.refuse(name, "A number of this size may have lost digits on its way: write the id as a string.");
  }
  return id;
}

std::vector<ConnectionId> read_excluded(JsonReader& json) {
  constexpr std::string_view name = "exclude";
  if (json.kind(name) == JsonReader::Kind::absent) return {};
  if (json.kind(name) != JsonReader::Kind::strings && json.kind(name) != JsonReader::Kind::other) {
    return {read_id(json, name)};
  }
  const auto texts = json.strings(name).value_or(std::span<const std::string>());
  if (texts.size() > max_excluded) json.refuse(name, R"("exclude" may have 1000 ids.)");
  std::vector<ConnectionId> ids;
  for (std::size_t i = 0; i < texts.size() && !json.error(); ++i) ids.push_back(read_id(json, name, texts[i]));
  return ids;
}

std::uint16_t read_close_code(JsonReader& json) {
  const std::int64_t code = json.integer("code").value_or(protocol::close_code::normal);
  const bool may_be_sent =
      code >= 0 && code <= 0xFFFF && protocol::may_be_sent_by_peer(static_cast<std::uint16_t>(code));
  if (!may_be_sent) {
    json.refuse("code", R"("code" must be a close code that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999.)");
  }
  return static_cast<std::uint16_t>(code);
}

std::string_view read_close_reason(JsonReader& json) {
  const std::string_view reason = json.string("reason").value_or("");
  if (reason.size() > protocol::max_close_reason) json.refuse("reason", R"("reason" may have 123 bytes.)");
  return reason;
}

PushedMessage::PushedMessage(JsonReader& json) {
  const auto text = json.string("data");
  const auto encoded = json.string("data_base64");
  if (text.has_value() == encoded.has_value()) {
    json.refuse("data", R"(A message is either "data", a string, or "data_base64".)");
  }
  if (text) data_ = *text;
  if (encoded) read_encoded(json, *encoded);
  read_type(json);
  if (encoded && type_ == MessageType::text && !is_utf8(decoded_)) {
    json.refuse("data_base64", "A text message must be valid UTF-8; this one is binary.");
  }
}

void PushedMessage::read_encoded(JsonReader& json, std::string_view encoded) {
  auto decoded = protocol::decode_base64(encoded);
  if (!decoded) return json.refuse("data_base64", R"("data_base64" is not base64 with padding (RFC 4648).)");
  decoded_ = std::move(*decoded);
  data_ = decoded_;
  type_ = MessageType::binary;
}

void PushedMessage::read_type(JsonReader& json) {
  const auto type = json.string("type");
  if (!type) return;
  if (type != "text" && type != "binary") return json.refuse("type", R"("type" must be "text" or "binary".)");
  type_ = type == "text" ? MessageType::text : MessageType::binary;
}

}  // namespace wsd::worker::api
