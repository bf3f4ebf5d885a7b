// The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1): which extensions a client offers, with which parameters.
//
// Knows no extension; what an offer means is another file's business (permessage_deflate.h). Linear in the header's
// size, whatever is in it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_request.h"

namespace wsd::protocol {

struct ExtensionParameter {
  std::string name;
  std::optional<std::string> value;  // a token, without the quotes it may have been written in

  bool operator==(const ExtensionParameter&) const = default;
};

struct ExtensionOffer {
  std::string name;
  std::vector<ExtensionParameter> parameters;

  bool operator==(const ExtensionOffer&) const = default;
};

// The offers of one header field's value, in the client's order of preference. Nothing if it breaks the grammar; then
// the connection must fail (§9.1).
[[nodiscard]] std::optional<std::vector<ExtensionOffer>> parse_extensions(std::string_view value);

// All such headers of a request, which together make one list.
[[nodiscard]] std::optional<std::vector<ExtensionOffer>> offered_extensions(const HttpRequest& request);

}  // namespace wsd::protocol
