// What a connection has for a part of its life only, or hardly ever: an idle one costs a pointer for all of it.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "protocol/http_request_parser.h"
#include "worker/attributes.h"
#include "worker/http_exchange.h"

namespace wsd::worker {

struct ConnectionExtras {
  std::unique_ptr<protocol::HttpRequestParser> parser;  // while opening
  std::unique_ptr<HttpExchange> exchange;               // while opening, of a request that is no upgrade
  std::vector<std::byte> held_input;                    // read, and waiting for resume_receive() or resume()
  Attributes attributes;
  std::string close_reason;  // for on_close

  [[nodiscard]] bool empty() const {
    return parser == nullptr && exchange == nullptr && held_input.empty() && attributes.empty() && close_reason.empty();
  }
};

}  // namespace wsd::worker
