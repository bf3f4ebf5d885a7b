// What the HTTP API answers (docs/api.md), in JSON.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http_response.h"
#include "protocol/json_reader.h"
#include "worker/bus.h"

namespace wsd::worker::api {

// ---- what came of it
[[nodiscard]] protocol::HttpResponse published(const Delivery& delivery);
[[nodiscard]] protocol::HttpResponse sent(const ToldOne& told);
[[nodiscard]] protocol::HttpResponse closed(const ToldOne& told);
[[nodiscard]] protocol::HttpResponse channel_list(const ChannelList& list);
[[nodiscard]] protocol::HttpResponse channel_details(std::string_view name, const ChannelReport& report);
[[nodiscard]] protocol::HttpResponse connection_details(ConnectionId id, const ConnectionReport& report);
// Of a worker.
[[nodiscard]] protocol::HttpResponse status(std::string_view status);
// `text`: metrics_page.h.
[[nodiscard]] protocol::HttpResponse metrics(std::string text);

// ---- why not
// `code` for programs, `message`, a sentence, for people, and the byte of the body where something was noticed.
[[nodiscard]] protocol::HttpResponse error(std::uint16_t status, std::string_view code, std::string_view message,
                                           std::optional<std::size_t> position = std::nullopt);
[[nodiscard]] protocol::HttpResponse bad_json(const protocol::JsonError& problem);
[[nodiscard]] protocol::HttpResponse bad_encoding();
[[nodiscard]] protocol::HttpResponse connection_not_found();
[[nodiscard]] protocol::HttpResponse channel_not_found();
// Nobody could tell: worth another try in a second.
[[nodiscard]] protocol::HttpResponse unavailable(std::string_view message);
[[nodiscard]] protocol::HttpResponse unknown_outcome();
[[nodiscard]] protocol::HttpResponse unknown_connection();
[[nodiscard]] protocol::HttpResponse unknown_channels();

}  // namespace wsd::worker::api
