#include "worker/api_requests.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "protocol/base64.h"
#include "protocol/close_code.h"
#include "protocol/http_syntax.h"
#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/percent_encoding.h"
#include "protocol/utf8.h"

namespace wsd::worker {

using protocol::HttpRequest;
using protocol::HttpResponse;
using protocol::JsonReader;
using protocol::JsonWriter;

namespace {

constexpr std::size_t max_channel_name = 255;
constexpr std::size_t max_excluded = 1000;
// JavaScript and many JSON readers keep numbers as doubles: above this, not every integer is one.
constexpr std::uint64_t largest_exact_number = std::uint64_t{1} << 53U;

// ---- routes ---------------------------------------------------------------------------------------------------------

enum class Endpoint : std::uint8_t { publish, send, close, channels, channel, connection, health, readiness, metrics };

struct Route {
  Endpoint endpoint;
  std::string_view name;  // what the path ends with: a channel's name, still encoded, or a connection's id
};

struct ExactPath {
  std::string_view path;
  Endpoint endpoint;
};

constexpr std::array<ExactPath, 7> exact_paths{{
    {"/v1/publish", Endpoint::publish},
    {"/v1/send", Endpoint::send},
    {"/v1/close", Endpoint::close},
    {"/v1/channels", Endpoint::channels},
    {"/healthz", Endpoint::health},
    {"/readyz", Endpoint::readiness},
    {"/metrics", Endpoint::metrics},
}};

std::optional<Route> route_of(std::string_view path) {
  const auto found = std::ranges::find(exact_paths, path, &ExactPath::path);
  if (found != exact_paths.end()) return Route{found->endpoint, {}};
  const auto named = [path](std::string_view prefix, Endpoint endpoint) -> std::optional<Route> {
    if (!path.starts_with(prefix) || path.size() == prefix.size()) return std::nullopt;
    return Route{endpoint, path.substr(prefix.size())};
  };
  const auto channel = named("/v1/channels/", Endpoint::channel);
  return channel ? channel : named("/v1/connections/", Endpoint::connection);
}

bool is_post(Endpoint endpoint) {
  return endpoint == Endpoint::publish || endpoint == Endpoint::send || endpoint == Endpoint::close;
}

bool is_open_to_all(Endpoint endpoint) {
  return endpoint == Endpoint::health || endpoint == Endpoint::readiness;
}

// ---- who asks -------------------------------------------------------------------------------------------------------

// RFC 6750 §2.1.
std::string_view bearer_token(const HttpRequest& head) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view credentials = head.header("Authorization").value_or("");
  const bool is_bearer =
      head.count("Authorization") == 1 && protocol::equal_ignoring_case(credentials.substr(0, scheme.size()), scheme);
  return is_bearer ? protocol::trim_whitespace(credentials.substr(scheme.size())) : std::string_view();
}

bool is_ip_address(std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const std::string terminated(text);
  return inet_pton(AF_INET, terminated.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1;
}

// Whether a Host names this machine in a way that nobody else can make mean it: by address, or as localhost.
bool is_local_host(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && is_ip_address(host.substr(1, end - 1));
  }
  const std::string_view name = host.substr(0, host.rfind(':'));
  return name.empty() || protocol::equal_ignoring_case(name, "localhost") || is_ip_address(name);
}

bool is_json(const HttpRequest& head) {
  const std::string_view type = head.header("Content-Type").value_or("");
  return protocol::equal_ignoring_case(protocol::trim_whitespace(type.substr(0, type.find(';'))), "application/json");
}

// ---- answers --------------------------------------------------------------------------------------------------------

HttpResponse json_response(std::uint16_t status, JsonWriter& json) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = json.take()};
}

template <typename Members>
HttpResponse json_object(const Members& members) {
  JsonWriter json;
  json.begin_object();
  members(json);
  json.end_object();
  return json_response(200, json);
}

void write_partial(JsonWriter& json, bool partial) {
  if (partial) json.field("partial", true);
}

HttpResponse bad_json(const protocol::JsonError& error) {
  return api_error(400, "bad_json", error.text, error.position);
}

HttpResponse connection_not_found() {
  return api_error(404, "connection_not_found", "There is no connection with this id; it may have been closed.");
}

HttpResponse channel_not_found() {
  return api_error(404, "channel_not_found", "Nobody is subscribed to this channel.");
}

// The worker that could tell did not.
HttpResponse no_answer(std::string_view message) {
  HttpResponse response = api_error(503, "unavailable", message);
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

HttpResponse unknown_outcome() {
  return no_answer("A worker did not answer in time: it is not known whether this was done.");
}

HttpResponse unknown_connection() {
  return no_answer("A worker did not answer in time: it is not known whether there is such a connection. Try again.");
}

HttpResponse unknown_channels() {
  return no_answer("The workers did not answer in time. Try again.");
}

std::string_view text_of(SendResult result) {
  switch (result) {
    case SendResult::sent:
      return "sent";
    case SendResult::queued:
      return "queued";
    case SendResult::dropped:
      return "dropped";
  }
  return "dropped";
}

HttpResponse published(const Delivery& delivery) {
  return json_object([&](JsonWriter& json) {
    json.field("delivered_to", delivery.subscribers);
    write_partial(json, delivery.partial);
  });
}

HttpResponse sent(const ToldOne& told) {
  if (!told.found) return told.partial ? unknown_outcome() : connection_not_found();
  return json_object([&](JsonWriter& json) { json.field("result", text_of(told.result)); });
}

HttpResponse closed(const ToldOne& told) {
  if (!told.found) return told.partial ? unknown_outcome() : connection_not_found();
  return json_object([](JsonWriter& json) { json.field("closed", true); });
}

HttpResponse channel_list(const ChannelList& list) {
  return json_object([&](JsonWriter& json) {
    json.key("channels");
    json.begin_array();
    for (const auto& channel : list.channels) {
      json.begin_object();
      json.field("name", channel.name);
      json.field("subscribers", channel.subscribers);
      json.end_object();
    }
    json.end_array();
    write_partial(json, list.partial);
  });
}

HttpResponse channel_details(std::string_view name, const ChannelReport& report) {
  if (report.subscribers == 0) return report.partial ? unknown_channels() : channel_not_found();
  return json_object([&](JsonWriter& json) {
    json.field("name", name);
    json.field("subscribers", report.subscribers);
    if (report.has_presence) {
      json.key("members");
      json.begin_array();
      for (const auto& member : report.members) {
        json.begin_object();
        json.field("id", std::to_string(member.id));
        json.field("name", member.name);
        json.end_object();
      }
      json.end_array();
    }
    write_partial(json, report.partial);
  });
}

HttpResponse connection_details(ConnectionId id, const ConnectionReport& report) {
  if (!report.found) return report.partial ? unknown_connection() : connection_not_found();
  return json_object([&](JsonWriter& json) {
    json.field("id", std::to_string(id));
    json.field("remote_address", report.remote_address);
    json.field("path", report.path);
    json.field("subprotocol", report.subprotocol);
    json.field("slot", report.slot);
    json.field("age_ms", report.age_ms);
    json.field("idle_ms", report.idle_ms);
    json.field("buffered_bytes", report.buffered_bytes);
    json.field("messages_in", report.traffic.messages_in);
    json.field("messages_out", report.traffic.messages_out);
    json.field("bytes_in", report.traffic.bytes_in);
    json.field("bytes_out", report.traffic.bytes_out);
    json.field("deflate", report.deflate);
    json.field("tls", to_string(report.tls));
    json.key("channels");
    json.begin_array();
    for (const std::string& channel : report.channels) json.value(channel);
    json.end_array();
  });
}

HttpResponse metrics_response(std::string text) {
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = std::move(text)};
}

// ---- what is asked --------------------------------------------------------------------------------------------------

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

// What is no id is an error, and 0.
ConnectionId read_id(JsonReader& json, std::string_view name, std::string_view text) {
  const auto id = parse_id(text);
  if (!id) json.refuse(name, R"(A connection's id is a string of decimal digits, as in "72057598332895233".)");
  return id.value_or(0);
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

// The message of a publish or send: "data", or "data_base64", and "type". Lives as long as its JsonReader.
class PushedMessage {
 public:
  explicit PushedMessage(JsonReader& json) {
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
  PushedMessage(const PushedMessage&) = delete;
  PushedMessage& operator=(const PushedMessage&) = delete;

  [[nodiscard]] std::string_view data() const { return data_; }
  [[nodiscard]] MessageType type() const { return type_; }

 private:
  void read_encoded(JsonReader& json, std::string_view encoded) {
    auto decoded = protocol::decode_base64(encoded);
    if (!decoded) return json.refuse("data_base64", R"("data_base64" is not base64 with padding (RFC 4648).)");
    decoded_ = std::move(*decoded);
    data_ = decoded_;
    type_ = MessageType::binary;
  }

  void read_type(JsonReader& json) {
    const auto type = json.string("type");
    if (!type) return;
    if (type != "text" && type != "binary") return json.refuse("type", R"("type" must be "text" or "binary".)");
    type_ = type == "text" ? MessageType::text : MessageType::binary;
  }

  std::string decoded_;
  std::string_view data_;
  MessageType type_ = MessageType::text;
};

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

std::optional<HttpResponse> refuse_message(JsonReader& json, const PushedMessage& message, std::size_t max_message) {
  json.refuse_unread();
  if (json.error()) return bad_json(*json.error());
  if (message.data().size() <= max_message) return std::nullopt;
  return api_error(413, "message_too_large",
                   "A message may have " + std::to_string(max_message) + " bytes here (--max-message).");
}

HttpResponse bad_encoding() {
  return api_error(400, "bad_request", "A percent sign in the request's target is not followed by two hex digits.");
}

// Already answered: what else might have been said is of no interest.
HttpResponse answered(const ApiRequests::Answer& answer, HttpResponse response) {
  answer(std::move(response));
  return {};
}

}  // namespace

HttpResponse api_error(std::uint16_t status, std::string_view code, std::string_view message,
                       std::optional<std::size_t> position) {
  JsonWriter json;
  json.begin_object();
  json.key("error");
  json.begin_object();
  json.field("code", code);
  json.field("message", message);
  if (position) json.field("position", *position);
  json.end_object();
  json.end_object();
  return json_response(status, json);
}

ApiRequests::ApiRequests(ApiBackend& backend, std::string_view token, std::uint64_t max_message)
    : backend_(backend), token_(token), max_message_(max_message) {}

// Base64 takes a third more than its bytes; text in \uXXXX escapes, as PHP writes it by default, three times as much at
// most.
std::size_t ApiRequests::max_body() const {
  return 3 * max_message_ + 4096;
}

std::optional<HttpResponse> ApiRequests::refuse(const HttpRequest& head) const {
  // RFC 9112 §3.2.
  if (head.count("Host") > 1 || (head.count("Host") == 0 && head.minor_version() > 0)) {
    return api_error(400, "bad_request", "A request has one Host header.");
  }
  const auto route = route_of(head.path());
  if (!route || !is_open_to_all(route->endpoint)) {
    if (auto refusal = refuse_stranger(head)) return refusal;
  }
  if (!route) return api_error(404, "not_found", "There is nothing at this path; docs/api.md lists what there is.");

  const bool post = is_post(route->endpoint);
  const bool is_right_method = post ? head.method() == "POST" : head.method() == "GET" || head.method() == "HEAD";
  if (!is_right_method) {
    const std::string allowed = post ? "POST" : "GET, HEAD";
    HttpResponse response = api_error(405, "method_not_allowed", "This path is asked with " + allowed + ".");
    response.headers.push_back({"Allow", allowed});
    return response;
  }
  if (post && !is_json(head)) {
    return api_error(415, "unsupported_media_type", "The body must be JSON, with Content-Type: application/json.");
  }
  return std::nullopt;
}

// docs/decisions/0008: without a token, what keeps web pages out is that their requests look like theirs.
std::optional<HttpResponse> ApiRequests::refuse_stranger(const HttpRequest& head) const {
  if (token_.is_set()) {
    if (token_.matches(bearer_token(head))) return std::nullopt;
    HttpResponse response = api_error(401, "unauthorized", "Send the API's token: Authorization: Bearer TOKEN.");
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
  }
  if (head.header("Origin")) {
    return api_error(403, "forbidden", "Requests of web pages (Origin) are answered only with a token.");
  }
  if (!is_local_host(head.header("Host").value_or(""))) {
    return api_error(403, "forbidden",
                     "Without a token this API is asked by address or as localhost: the Host header has another name.");
  }
  return std::nullopt;
}

HttpResponse ApiRequests::ask(const HttpRequest& head, std::string_view body, const Answer& answer) {
  const auto route = route_of(head.path()).value();
  switch (route.endpoint) {
    case Endpoint::publish:
      return publish(body, answer);
    case Endpoint::send:
      return send(body, answer);
    case Endpoint::close:
      return close(body, answer);
    case Endpoint::channels:
      return list_channels(head.query(), answer);
    case Endpoint::channel:
      return describe_channel(route.name, answer);
    case Endpoint::connection:
      return describe_connection(route.name, answer);
    case Endpoint::health:
      return answered(answer, json_object([](JsonWriter& json) { json.field("status", "ok"); }));
    case Endpoint::metrics:
      return answered(answer, metrics_response(backend_.metrics()));
    case Endpoint::readiness:
      break;
  }
  if (!backend_.is_ready()) return answered(answer, no_answer("This worker takes no new clients: it is leaving."));
  return answered(answer, json_object([](JsonWriter& json) { json.field("status", "ready"); }));
}

HttpResponse ApiRequests::publish(std::string_view body, const Answer& answer) {
  JsonReader json(body, {.max_size = max_body()});
  const std::string_view channel = read_channel(json);
  const PushedMessage message(json);
  const auto excluded = read_excluded(json);
  if (auto refusal = refuse_message(json, message, max_message_)) return answered(answer, std::move(*refusal));
  backend_.publish(channel, message.data(), message.type(), excluded,
                   [answer](const Delivery& delivery) { answer(published(delivery)); });
  return published({.subscribers = 0, .partial = true});
}

HttpResponse ApiRequests::send(std::string_view body, const Answer& answer) {
  JsonReader json(body, {.max_size = max_body()});
  const ConnectionId id = read_id(json, "id");
  const PushedMessage message(json);
  if (auto refusal = refuse_message(json, message, max_message_)) return answered(answer, std::move(*refusal));
  backend_.send(id, message.data(), message.type(), [answer](const ToldOne& told) { answer(sent(told)); });
  return unknown_outcome();
}

HttpResponse ApiRequests::close(std::string_view body, const Answer& answer) {
  JsonReader json(body, {.max_size = max_body()});
  const ConnectionId id = read_id(json, "id");
  const std::uint16_t code = read_close_code(json);
  const std::string_view reason = read_close_reason(json);
  json.refuse_unread();
  if (json.error()) return answered(answer, bad_json(*json.error()));
  backend_.close(id, code, reason, [answer](const ToldOne& told) { answer(closed(told)); });
  return unknown_outcome();
}

HttpResponse ApiRequests::list_channels(std::string_view query, const Answer& answer) {
  const auto parameters = protocol::parse_query(query);
  if (!parameters) return answered(answer, bad_encoding());
  const bool is_known = parameters->size() <= 1 && (parameters->empty() || parameters->front().name == "prefix");
  if (!is_known) {
    return answered(answer, api_error(400, "bad_request", "The query may have one parameter, prefix."));
  }
  const std::string prefix = parameters->empty() ? "" : parameters->front().value;
  if (!is_utf8(prefix)) return answered(answer, api_error(400, "bad_request", "The prefix is not valid UTF-8."));
  backend_.list_channels(prefix, [answer](const ChannelList& list) { answer(channel_list(list)); });
  return unknown_channels();
}

HttpResponse ApiRequests::describe_channel(std::string_view encoded, const Answer& answer) {
  const auto name = protocol::decode_percent(encoded);
  if (!name) return answered(answer, bad_encoding());
  if (!is_utf8(*name)) return answered(answer, api_error(400, "bad_request", "The channel's name is not valid UTF-8."));
  if (name->size() > max_channel_name) return answered(answer, channel_not_found());
  backend_.describe_channel(
      *name, [answer, name = *name](const ChannelReport& report) { answer(channel_details(name, report)); });
  return unknown_channels();
}

HttpResponse ApiRequests::describe_connection(std::string_view text, const Answer& answer) {
  const auto id = parse_id(text);
  if (!id) return answered(answer, connection_not_found());
  backend_.describe_connection(
      *id, [answer, id = *id](const ConnectionReport& report) { answer(connection_details(id, report)); });
  return unknown_connection();
}

}  // namespace wsd::worker
