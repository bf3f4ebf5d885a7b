// What requests to the HTTP API mean (docs/api.md): a request in, a call of the backend, a response out.
//
// Knows neither sockets nor time, and keeps nothing of a request. One for all API connections of a worker.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http_request.h"
#include "protocol/http_response.h"
#include "worker/api_backend.h"
#include "worker/api_gate.h"

namespace wsd::worker {

class ApiRequests {
 public:
  using Answer = std::function<void(protocol::HttpResponse)>;

  // `backend` outlives it. `token` empty: none is asked for. `max_message`: of the data of one message.
  ApiRequests(ApiBackend& backend, std::string_view token, std::uint64_t max_message);

  // How large a body may be: a message of max_message in base64, with some room for the rest.
  [[nodiscard]] std::size_t max_body() const;

  // What is wrong with a request as far as its head can tell: who asks, for what, how. Nothing if it may be asked.
  [[nodiscard]] std::optional<protocol::HttpResponse> refuse(const protocol::HttpRequest& head) const;

  // Of a request that refuse() found nothing wrong with. `answer` is called once, maybe before this returns. What this
  // returns is the answer to give instead if the backend's is not waited for.
  [[nodiscard]] protocol::HttpResponse ask(const protocol::HttpRequest& head, std::string_view body,
                                           const Answer& answer);

 private:
  protocol::HttpResponse publish(std::string_view body, const Answer& answer);
  protocol::HttpResponse send(std::string_view body, const Answer& answer);
  protocol::HttpResponse close(std::string_view body, const Answer& answer);
  protocol::HttpResponse list_channels(std::string_view query, const Answer& answer);
  protocol::HttpResponse describe_channel(std::string_view name, const Answer& answer);
  protocol::HttpResponse describe_connection(std::string_view id, const Answer& answer);

  ApiBackend& backend_;
  const ApiGate gate_;
  const std::size_t max_message_;
};

}  // namespace wsd::worker
