#include "worker/api_answers.h"

#include <utility>

#include "protocol/json_writer.h"

namespace wsd::worker::api {

using protocol::HttpResponse;
using protocol::JsonWriter;

namespace {

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

}  // namespace

// ---- what came of it ------------------------------------------------------------------------------------------------

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

HttpResponse status(std::string_view status) {
  return json_object([status](JsonWriter& json) { json.field("status", status); });
}

HttpResponse metrics(std::string text) {
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = std::move(text)};
}

// ---- why not --------------------------------------------------------------------------------------------------------

HttpResponse error(std::uint16_t status, std::string_view code, std::string_view message,
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

HttpResponse bad_json(const protocol::JsonError& problem) {
  return error(400, "bad_json", problem.text, problem.position);
}

HttpResponse connection_not_found() {
  return error(404, "connection_not_found", "There is no connection with this id; it may have been closed.");
}

HttpResponse channel_not_found() {
  return error(404, "channel_not_found", "Nobody is subscribed to this channel.");
}

HttpResponse unavailable(std::string_view message) {
  HttpResponse response = error(503, "unavailable", message);
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

HttpResponse unknown_outcome() {
  return unavailable("A worker did not answer in time: it is not known whether this was done.");
}

HttpResponse unknown_connection() {
  return unavailable("A worker did not answer in time: it is not known whether there is such a connection. Try again.");
}

HttpResponse unknown_channels() {
  return unavailable("The workers did not answer in time. Try again.");
}

HttpResponse bad_encoding() {
  return error(400, "bad_request", "A percent sign in the request's target is not followed by two hex digits.");
}

}  // namespace wsd::worker::api
