#include "worker/bus_backend.h"

#include <utility>

namespace wsd::worker {

namespace {

Bus::TellOne tell_of(std::function<void(ApiBackend::Told)> answer) {
  return [answer = std::move(answer)](const ToldOne& told) {
    answer({.found = told.found, .result = told.result, .partial = told.partial});
  };
}

}  // namespace

void BusBackend::publish(std::string_view channel, std::string_view data, MessageType type,
                         std::span<const ConnectionId> exclude, std::function<void(Published)> answer) {
  bus_.publish({channel, data, type, 0, exclude}, [answer = std::move(answer)](const Delivery& delivery) {
    answer({.delivered_to = delivery.subscribers, .partial = delivery.partial});
  });
}

void BusBackend::send(ConnectionId id, std::string_view data, MessageType type, std::function<void(Told)> answer) {
  bus_.send_to(id, data, type, tell_of(std::move(answer)));
}

void BusBackend::close(ConnectionId id, std::uint16_t code, std::string_view reason, std::function<void(Told)> answer) {
  bus_.close_connection(id, code, reason, tell_of(std::move(answer)));
}

void BusBackend::list_channels(std::string_view prefix, std::function<void(Channels)> answer) {
  bus_.list_channels(prefix, [answer = std::move(answer)](const ChannelList& list) {
    Channels channels{.channels = {}, .partial = list.partial};
    for (const ChannelCount& channel : list.channels) {
      channels.channels.push_back({.name = channel.name, .subscribers = channel.subscribers});
    }
    answer(std::move(channels));
  });
}

void BusBackend::describe_channel(std::string_view name, std::function<void(ChannelDetails)> answer) {
  bus_.ask_channel(name, [answer = std::move(answer)](const ChannelReport& report) {
    ChannelDetails details{.found = report.subscribers > 0,
                           .subscribers = report.subscribers,
                           .presence = report.has_presence,
                           .members = {},
                           .partial = report.partial};
    for (const NamedMember& member : report.members) details.members.push_back({member.id, member.name});
    answer(std::move(details));
  });
}

void BusBackend::describe_connection(ConnectionId id, std::function<void(ConnectionDetails)> answer) {
  bus_.ask_connection(id, [answer = std::move(answer)](const ConnectionReport& report) {
    answer({.found = report.found,
            .partial = report.partial,
            .remote_address = report.remote_address,
            .path = report.path,
            .subprotocol = report.subprotocol,
            .slot = report.slot,
            .age_ms = report.age_ms,
            .idle_ms = report.idle_ms,
            .buffered_bytes = report.buffered_bytes,
            .channels = report.channels});
  });
}

}  // namespace wsd::worker
