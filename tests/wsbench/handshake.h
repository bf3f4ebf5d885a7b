// The opening handshake as a client has it (RFC 6455 §4.1).

#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/wsbench/url.h"

namespace wsd::bench {

// A Sec-WebSocket-Key: sixteen random bytes in base64.
using HandshakeKey = std::array<char, 24>;
[[nodiscard]] HandshakeKey random_key();

// The request, made once for all connections of a process: only the key differs.
class HandshakeRequest {
 public:
  // `headers`: "Name: value", without line ends. One of the request's own names replaces the request's own line.
  HandshakeRequest(const Url& url, const std::vector<std::string>& headers);

  // With this key in it, until the next call.
  [[nodiscard]] std::string_view with(const HandshakeKey& key);

 private:
  std::string text_;
  std::size_t key_at_ = 0;
};

// Whether a response head (without the blank line) agrees. Nothing: it does; else what is wrong, for people.
[[nodiscard]] std::optional<std::string> problem_with_response(std::string_view head, const HandshakeKey& key);

// The same for the server's choice among the subprotocols offered: with some, one of them, as browsers want it.
[[nodiscard]] std::optional<std::string> problem_with_subprotocol(std::string_view head,
                                                                  const std::vector<std::string>& offered);

// The value of a field in a head, found in any case and trimmed; empty where it is not.
[[nodiscard]] std::string_view field(std::string_view head, std::string_view name);

}  // namespace wsd::bench
