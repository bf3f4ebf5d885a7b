#include "tests/wsbench/client_deflate.h"

#include <algorithm>
#include <stdexcept>

#include "protocol/extension_header.h"

namespace wsd::bench {
namespace {

using protocol::ContextTakeover;
using protocol::DeflateParameters;
using protocol::ExtensionParameter;

[[noreturn]] void refuse(std::string_view answer, std::string_view why) {
  throw std::invalid_argument("the server answers Sec-WebSocket-Extensions: " + std::string(answer) + ", " +
                              std::string(why));
}

std::uint8_t window_bits_of(const ExtensionParameter& parameter, std::string_view answer) {
  const std::string value = parameter.value.value_or("");
  const bool is_number = !value.empty() && value.size() <= 2 &&
                         std::ranges::all_of(value, [](char letter) { return letter >= '0' && letter <= '9'; });
  const int bits = is_number && value[0] != '0' ? std::stoi(value) : 0;
  if (bits < 8 || bits > protocol::max_deflate_window_bits) refuse(answer, "whose window is none of 8 to 15 bits");
  return static_cast<std::uint8_t>(bits);
}

}  // namespace

std::string deflate_offer(ContextTakeover takeover) {
  if (takeover == ContextTakeover::yes) return "permessage-deflate; client_max_window_bits";
  return "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits";
}

DeflateParameters agreed_deflate(std::string_view answer, ContextTakeover takeover) {
  const auto extensions = protocol::parse_extensions(answer);
  if (!extensions || extensions->size() != 1 || extensions->front().name != "permessage-deflate") {
    refuse(answer, "which is not one permessage-deflate");
  }
  // §7.1.1.2: where the server does not ask for less, the client is free to take over, or not.
  DeflateParameters agreed{.server_takeover = ContextTakeover::yes, .client_takeover = takeover};
  std::vector<std::string> seen;
  for (const ExtensionParameter& parameter : extensions->front().parameters) {
    if (std::ranges::find(seen, parameter.name) != seen.end()) refuse(answer, "with a parameter twice");
    seen.push_back(parameter.name);
    if (parameter.name == "server_max_window_bits") {
      agreed.server_window_bits = window_bits_of(parameter, answer);
    } else if (parameter.name == "client_max_window_bits") {
      agreed.client_window_bits = window_bits_of(parameter, answer);
      // zlib cannot make use of so small a window.
      if (agreed.client_window_bits < protocol::min_deflate_window_bits) {
        refuse(answer, "with a window of 8 bits, which zlib cannot keep to");
      }
    } else if (parameter.name == "server_no_context_takeover" && !parameter.value) {
      agreed.server_takeover = ContextTakeover::no;
    } else if (parameter.name == "client_no_context_takeover" && !parameter.value) {
      agreed.client_takeover = ContextTakeover::no;
    } else {
      refuse(answer, "with a parameter that was not offered");
    }
  }
  if (takeover == ContextTakeover::no && agreed.server_takeover == ContextTakeover::yes) {
    refuse(answer, "without the server_no_context_takeover that it was asked for");
  }
  return agreed;
}

ClientDeflate::ClientDeflate(const DeflateParameters& agreed, std::uint8_t level, protocol::ScratchBuffer& compressed,
                             protocol::ScratchBuffer& inflated)
    : deflater_({.window_bits = agreed.client_window_bits, .memory_level = 8, .level = level}, agreed.client_takeover,
                compressed),
      // A window of 8 bits is read with one of 9 just as well.
      inflater_(std::max(agreed.server_window_bits, protocol::min_deflate_window_bits), agreed.server_takeover,
                inflated) {}

}  // namespace wsd::bench
