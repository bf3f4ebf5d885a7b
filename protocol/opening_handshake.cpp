#include "protocol/opening_handshake.h"

#include <algorithm>
#include <utility>

#include "protocol/accept_key.h"
#include "protocol/assertion.h"
#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

using Refusal = std::optional<HttpError>;

HttpError bad_request(std::string text) {
  return {400, std::move(text), {}};
}

bool is_host_character(char character) {
  constexpr std::string_view symbols = ".-_~%!$&'()*+;=:[]";
  return is_letter_or_digit(character) || symbols.find(character) != std::string_view::npos;
}

// RFC 9110 §7.2: a name or address and perhaps a port. Anything else, such as a list or a user's name, two programs
// could read differently.
bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, is_host_character);
}

// §4.2.1 point 2.
Refusal check_host(const HttpRequest& request) {
  const std::size_t count = request.count("Host");
  if (count == 0) return bad_request("The request has no Host header.");
  if (count > 1) return bad_request("The request has more than one Host header.");
  if (!is_host(*request.header("Host"))) return bad_request("The Host header names no host.");
  return std::nullopt;
}

// §4.2.1 point 1. What would follow as a body here, another program could take for frames or for the next request.
Refusal check_body(const HttpRequest& request) {
  if (request.header("Transfer-Encoding")) return bad_request("A WebSocket handshake has no Transfer-Encoding.");
  if (request.count("Content-Length") > 1) return bad_request("The request has more than one Content-Length.");
  if (request.header("Content-Length").value_or("0") != "0") return bad_request("A WebSocket handshake has no body.");
  return std::nullopt;
}

// §4.2.1 points 3 and 4.
Refusal check_upgrade(const HttpRequest& request) {
  if (!is_upgrade(request)) {
    return HttpError{426, "This is a WebSocket server: connect with a WebSocket client.", {{"Upgrade", "websocket"}}};
  }
  if (!request.has_token("Connection", "Upgrade")) {
    return bad_request("The Connection header does not say \"Upgrade\". A proxy in between may have removed it.");
  }
  return std::nullopt;
}

// §4.2.1 point 6, §4.4.
Refusal check_version(const HttpRequest& request) {
  if (request.count("Sec-WebSocket-Version") > 1) {
    return bad_request("The request has more than one Sec-WebSocket-Version header.");
  }
  if (request.header("Sec-WebSocket-Version") == "13") return std::nullopt;
  return HttpError{426,
                   "This server speaks version 13 of the WebSocket protocol (RFC 6455).",
                   {{"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}}};
}

// §4.2.1 point 5.
Refusal check_key(const HttpRequest& request) {
  const std::size_t count = request.count("Sec-WebSocket-Key");
  if (count == 0) return bad_request("The request has no Sec-WebSocket-Key header.");
  if (count > 1) return bad_request("The request has more than one Sec-WebSocket-Key header.");
  if (!is_valid_key(*request.header("Sec-WebSocket-Key"))) {
    return bad_request("Sec-WebSocket-Key is not the base64 of 16 bytes.");
  }
  return std::nullopt;
}

Refusal check_method(const HttpRequest& request) {
  if (request.method() == "GET") return std::nullopt;
  return HttpError{405, "A WebSocket begins with a GET request.", {{"Allow", "GET"}}};
}

void append_header(std::string& response, std::string_view name, std::string_view value) {
  // A line end in either would let its author write the rest of the response.
  WSD_ASSERT(is_token(name) && is_field_value(value));
  response.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool is_upgrade(const HttpRequest& request) {
  return request.has_token("Upgrade", "websocket");
}

std::optional<HttpError> check_opening_handshake(const HttpRequest& request) {
  // The version before the key: clients of the drafts before RFC 6455 have neither, and this tells them more.
  for (const auto check : {check_method, check_host, check_upgrade, check_body, check_version, check_key}) {
    if (auto refusal = check(request)) return refusal;
  }
  return std::nullopt;
}

std::vector<std::string_view> offered_subprotocols(const HttpRequest& request) {
  std::vector<std::string_view> offered;
  for (const auto header : request.headers()) {
    if (!equal_ignoring_case(header.name, "Sec-WebSocket-Protocol")) continue;
    std::string_view list = header.value;
    for (auto element = take_list_element(list); !element.empty(); element = take_list_element(list)) {
      if (is_token(element)) offered.push_back(element);
    }
  }
  return offered;
}

std::string serialize_switching_protocols(const HttpRequest& request, std::string_view subprotocol,
                                          std::string_view extensions, std::span<const HttpHeader> headers) {
  const AcceptKey accept = accept_key(request.header("Sec-WebSocket-Key").value_or(""));
  std::string response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  append_header(response, "Sec-WebSocket-Accept", {accept.data(), accept.size()});
  if (!subprotocol.empty()) {
    WSD_ASSERT(is_token(subprotocol));
    append_header(response, "Sec-WebSocket-Protocol", subprotocol);
  }
  if (!extensions.empty()) append_header(response, "Sec-WebSocket-Extensions", extensions);
  for (const HttpHeader& header : headers) append_header(response, header.name, header.value);
  return response.append("\r\n");
}

}  // namespace wsd::protocol
