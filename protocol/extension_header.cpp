#include "protocol/extension_header.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

// Each takes its production from the front of `rest` and says whether it was there; after a false nobody looks at
// `rest` again.

// Never fails: whitespace is optional wherever the grammar, a list of RFC 2616 §2.1, lets it stand.
void skip_whitespace(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

[[nodiscard]] bool consume_character(std::string_view& rest, char character) {
  skip_whitespace(rest);
  if (!rest.starts_with(character)) return false;
  rest.remove_prefix(1);
  return true;
}

[[nodiscard]] bool consume_token(std::string_view& rest, std::string& token) {
  skip_whitespace(rest);
  const auto end = std::ranges::find_if_not(rest, is_token_character);
  const auto size = static_cast<std::size_t>(end - rest.begin());
  token = rest.substr(0, size);
  rest.remove_prefix(size);
  return size > 0;
}

// §9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF". `rest` begins behind the quote.
[[nodiscard]] bool consume_quoted_token(std::string_view& rest, std::string& token) {
  for (; !rest.empty() && rest.front() != '"'; rest.remove_prefix(1)) {
    if (rest.front() == '\\') rest.remove_prefix(1);
    if (rest.empty() || !is_token_character(rest.front())) return false;
    token += rest.front();
  }
  return consume_character(rest, '"') && !token.empty();
}

// extension-param = token [ "=" (token | quoted-string) ]
[[nodiscard]] bool consume_parameter(std::string_view& rest, ExtensionParameter& parameter) {
  if (!consume_token(rest, parameter.name)) return false;
  if (!consume_character(rest, '=')) return true;
  std::string& value = parameter.value.emplace();
  return consume_character(rest, '"') ? consume_quoted_token(rest, value) : consume_token(rest, value);
}

// extension = extension-token *( ";" extension-param )
[[nodiscard]] bool consume_extension(std::string_view& rest, ExtensionOffer& offer) {
  if (!consume_token(rest, offer.name)) return false;
  while (consume_character(rest, ';')) {
    if (!consume_parameter(rest, offer.parameters.emplace_back())) return false;
  }
  return true;
}

}  // namespace

// extension-list = 1#extension, where empty elements count for nothing (RFC 9110 §5.6.1.2).
std::optional<std::vector<ExtensionOffer>> parse_extensions(std::string_view rest) {
  std::vector<ExtensionOffer> offers;
  for (;;) {
    while (consume_character(rest, ',')) {
    }
    if (rest.empty()) return offers;
    if (!consume_extension(rest, offers.emplace_back())) return std::nullopt;
    if (!rest.empty() && rest.front() != ',') return std::nullopt;
  }
}

std::optional<std::vector<ExtensionOffer>> offered_extensions(const HttpRequest& request) {
  std::vector<ExtensionOffer> all;
  for (const auto header : request.headers()) {
    if (!equal_ignoring_case(header.name, "Sec-WebSocket-Extensions")) continue;
    auto offers = parse_extensions(header.value);
    if (!offers) return std::nullopt;
    std::ranges::move(*offers, std::back_inserter(all));
  }
  return all;
}

}  // namespace wsd::protocol
