// The server's side of the opening handshake (RFC 6455 §4.2): is this request a proper one, and what is the answer?
//
// Does not parse (http_request_parser.h) and does not decide about origins, paths or subprotocols: the application
// does.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_error.h"
#include "protocol/http_request.h"

namespace wsd::protocol {

// Whether the client asks for a WebSocket at all, be it well or badly. What is not an upgrade is plain HTTP.
[[nodiscard]] bool is_upgrade(const HttpRequest& request);

// §4.2.1, point by point. Nothing: the handshake may be answered with 101. Otherwise what to answer instead; a request
// that is no upgrade gets 426.
[[nodiscard]] std::optional<HttpError> check_opening_handshake(const HttpRequest& request);

// Sec-WebSocket-Protocol, all headers of it, in the client's order of preference (§4.2.1 point 8). What is not a token
// is left out, since no server could answer it. The views live as long as the request.
[[nodiscard]] std::vector<std::string_view> offered_subprotocols(const HttpRequest& request);

// The 101 response (§4.2.2 step 5) to a request that passed check_opening_handshake(). `subprotocol`: empty for none,
// else a token. `extensions`: empty for none, else the value of Sec-WebSocket-Extensions. `headers`: names are tokens
// and values field values (http_syntax.h), asserted here, so check what applications and clients put into them.
[[nodiscard]] std::string serialize_switching_protocols(const HttpRequest& request, std::string_view subprotocol = {},
                                                        std::string_view extensions = {},
                                                        std::span<const HttpHeader> headers = {});

}  // namespace wsd::protocol
