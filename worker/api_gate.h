// Who may ask the HTTP API: whoever knows its token; or, where there is none, programs of this machine that are no web
// page (docs/decisions/0008-the-api-and-web-pages.md).

#pragma once

#include <optional>
#include <string_view>

#include "protocol/http_request.h"
#include "protocol/http_response.h"
#include "worker/api_token.h"

namespace wsd::worker {

class ApiGate {
 public:
  // `token` empty: none is asked for.
  explicit ApiGate(std::string_view token) : token_(token) {}

  // Nothing if whoever sent this may ask.
  [[nodiscard]] std::optional<protocol::HttpResponse> refuse(const protocol::HttpRequest& head) const;

 private:
  const ApiToken token_;
};

}  // namespace wsd::worker
