#include "worker/api_requests.h"

#include <utility>

#include "protocol/http_syntax.h"
#include "protocol/json_reader.h"
#include "protocol/percent_encoding.h"
#include "worker/api_answers.h"
#include "worker/api_fields.h"
#include "worker/api_routes.h"

namespace wsd::worker {

using protocol::HttpRequest;
using protocol::HttpResponse;
using protocol::JsonReader;

namespace {

bool is_json(const HttpRequest& head) {
  const std::string_view type = head.header("Content-Type").value_or("");
  return protocol::equal_ignoring_case(protocol::trim_whitespace(type.substr(0, type.find(';'))), "application/json");
}

std::optional<HttpResponse> refuse_message(JsonReader& json, const api::PushedMessage& message,
                                           std::size_t max_message) {
  json.refuse_unread();
  if (json.error()) return api::bad_json(*json.error());
  if (message.data().size() <= max_message) return std::nullopt;
  return api::error(413, "message_too_large",
                    "A message may have " + std::to_string(max_message) + " bytes here (--max-message).");
}

// Already answered: what else might have been said is of no interest.
HttpResponse answered(const ApiRequests::Answer& answer, HttpResponse response) {
  answer(std::move(response));
  return {};
}

}  // namespace

ApiRequests::ApiRequests(ApiBackend& backend, std::string_view token, std::uint64_t max_message)
    : backend_(backend), gate_(token), max_message_(max_message) {}

// Base64 takes a third more than its bytes; text in \uXXXX escapes, as PHP writes it by default, three times as much at
// most.
std::size_t ApiRequests::max_body() const {
  return 3 * max_message_ + 4096;
}

std::optional<HttpResponse> ApiRequests::refuse(const HttpRequest& head) const {
  // RFC 9112 §3.2.
  if (head.count("Host") > 1 || (head.count("Host") == 0 && head.minor_version() > 0)) {
    return api::error(400, "bad_request", "A request has one Host header.");
  }
  const auto route = route_of(head.path());
  if (!route || !is_open_to_all(route->endpoint)) {
    if (auto refusal = gate_.refuse(head)) return refusal;
  }
  if (!route) return api::error(404, "not_found", "There is nothing at this path; docs/api.md lists what there is.");

  const bool post = is_post(route->endpoint);
  const bool is_right_method = post ? head.method() == "POST" : head.method() == "GET" || head.method() == "HEAD";
  if (!is_right_method) {
    const std::string allowed = post ? "POST" : "GET, HEAD";
    HttpResponse response = api::error(405, "method_not_allowed", "This path is asked with " + allowed + ".");
    response.headers.push_back({"Allow", allowed});
    return response;
  }
  if (post && !is_json(head)) {
    return api::error(415, "unsupported_media_type", "The body must be JSON, with Content-Type: application/json.");
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
      return answered(answer, api::status("ok"));
    case Endpoint::metrics:
      return answered(answer, api::metrics(backend_.metrics()));
    case Endpoint::readiness:
      break;
  }
  if (!backend_.is_ready())
    return answered(answer, api::unavailable("This worker takes no new clients: it is leaving."));
  return answered(answer, api::status("ready"));
}

HttpResponse ApiRequests::publish(std::string_view body, const Answer& answer) {
  JsonReader json(body, {.max_size = max_body()});
  const std::string_view channel = api::read_channel(json);
  const api::PushedMessage message(json);
  const auto excluded = api::read_excluded(json);
  if (auto refusal = refuse_message(json, message, max_message_)) return answered(answer, std::move(*refusal));
  backend_.publish(channel, message.data(), message.type(), excluded,
                   [answer](const Delivery& delivery) { answer(api::published(delivery)); });
  return api::published({.subscribers = 0, .partial = true});
}

HttpResponse ApiRequests::send(std::string_view body, const Answer& answer) {
  JsonReader json(body, {.max_size = max_body()});
  const ConnectionId id = api::read_id(json, "id");
  const api::PushedMessage message(json);
  if (auto refusal = refuse_message(json, message, max_message_)) return answered(answer, std::move(*refusal));
  backend_.send(id, message.data(), message.type(), [answer](const ToldOne& told) { answer(api::sent(told)); });
  return api::unknown_outcome();
}

HttpResponse ApiRequests::close(std::string_view body, const Answer& answer) {
  JsonReader json(body, {.max_size = max_body()});
  const ConnectionId id = api::read_id(json, "id");
  const std::uint16_t code = api::read_close_code(json);
  const std::string_view reason = api::read_close_reason(json);
  json.refuse_unread();
  if (json.error()) return answered(answer, api::bad_json(*json.error()));
  backend_.close(id, code, reason, [answer](const ToldOne& told) { answer(api::closed(told)); });
  return api::unknown_outcome();
}

HttpResponse ApiRequests::list_channels(std::string_view query, const Answer& answer) {
  const auto parameters = protocol::parse_query(query);
  if (!parameters) return answered(answer, api::bad_encoding());
  const bool is_known = parameters->size() <= 1 && (parameters->empty() || parameters->front().name == "prefix");
  if (!is_known) {
    return answered(answer, api::error(400, "bad_request", "The query may have one parameter, prefix."));
  }
  const std::string prefix = parameters->empty() ? "" : parameters->front().value;
  if (!api::is_utf8(prefix)) return answered(answer, api::error(400, "bad_request", "The prefix is not valid UTF-8."));
  backend_.list_channels(prefix, [answer](const ChannelList& list) { answer(api::channel_list(list)); });
  return api::unknown_channels();
}

HttpResponse ApiRequests::describe_channel(std::string_view encoded, const Answer& answer) {
  const auto name = protocol::decode_percent(encoded);
  if (!name) return answered(answer, api::bad_encoding());
  if (!api::is_utf8(*name))
    return answered(answer, api::error(400, "bad_request", "The channel's name is not valid UTF-8."));
  if (name->size() > api::max_channel_name) return answered(answer, api::channel_not_found());
  backend_.describe_channel(
      *name, [answer, name = *name](const ChannelReport& report) { answer(api::channel_details(name, report)); });
  return api::unknown_channels();
}

HttpResponse ApiRequests::describe_connection(std::string_view text, const Answer& answer) {
  const auto id = api::parse_id(text);
  if (!id) return answered(answer, api::connection_not_found());
  backend_.describe_connection(
      *id, [answer, id = *id](const ConnectionReport& report) { answer(api::connection_details(id, report)); });
  return api::unknown_connection();
}

}  // namespace wsd::worker
