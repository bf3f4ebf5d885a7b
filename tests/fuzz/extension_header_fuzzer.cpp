// Sec-WebSocket-Extensions of strangers: what is read can be written and read again, and what is agreed on was offered.

#include <string>

#include "protocol/extension_header.h"
#include "protocol/http_syntax.h"
#include "protocol/permessage_deflate.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using wsd::protocol::ContextTakeover;
using wsd::protocol::DeflatePolicy;
using wsd::protocol::is_token;

std::string written(const std::vector<wsd::protocol::ExtensionOffer>& offers) {
  std::string text;
  for (const auto& offer : offers) {
    text += (text.empty() ? "" : ",") + offer.name;
    for (const auto& [name, value] : offer.parameters) text += ";" + name + (value ? "=" + *value : "");
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::protocol;
  const wsd::fuzz::Input input(data, size);
  const std::string header(reinterpret_cast<const char*>(input.wire.data()), input.wire.size());
  const auto offers = parse_extensions(header);
  if (!offers) return 0;
  for (const ExtensionOffer& offer : *offers) {
    FUZZ_ASSERT(is_token(offer.name));
    for (const auto& [name, value] : offer.parameters) FUZZ_ASSERT(is_token(name) && (!value || is_token(*value)));
  }
  FUZZ_ASSERT(parse_extensions(written(*offers)) == offers);

  const DeflatePolicy policy{.window_bits = static_cast<std::uint8_t>(9 + input.option % 7),
                             .server_takeover = ContextTakeover{(input.seed & 1U) != 0},
                             .client_takeover = ContextTakeover{(input.seed & 2U) != 0}};
  const auto agreement = negotiate_deflate(*offers, policy);
  if (!agreement) return 0;
  FUZZ_ASSERT(header.find("permessage-deflate") != std::string::npos && is_field_value(agreement->answer));
  const auto& agreed = agreement->parameters;
  FUZZ_ASSERT(agreed.server_window_bits >= 9 && agreed.server_window_bits <= policy.window_bits);
  FUZZ_ASSERT(agreed.client_window_bits >= 8 && agreed.client_window_bits <= 15);
  FUZZ_ASSERT(agreed.server_takeover == ContextTakeover::no || policy.server_takeover == ContextTakeover::yes);
  FUZZ_ASSERT(agreed.client_takeover == ContextTakeover::no || policy.client_takeover == ContextTakeover::yes);
  FUZZ_ASSERT(parse_extensions(agreement->answer)->size() == 1);
  return 0;
}
