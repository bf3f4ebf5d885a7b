#include "protocol/permessage_deflate.h"

#include <algorithm>
#include <string_view>

namespace wsd::protocol {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";

// §7.1: one offer as the client made it.
struct Offer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_max_window_bits;
  std::optional<std::uint8_t> client_max_window_bits;
};

// §7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15 inclusive". 0 for anything else.
std::uint8_t window_bits_of(std::string_view value) {
  constexpr std::string_view texts[] = {"8", "9", "10", "11", "12", "13", "14", "15"};
  const auto* const found = std::ranges::find(texts, value);
  return found == std::end(texts) ? std::uint8_t{0} : static_cast<std::uint8_t>(8 + (found - std::begin(texts)));
}

bool take_flag(const ExtensionParameter& parameter, bool& flag) {
  if (parameter.value || flag) return false;
  flag = true;
  return true;
}

bool take_window_bits(const ExtensionParameter& parameter, std::optional<std::uint8_t>& bits) {
  if (bits) return false;
  bits = parameter.value ? window_bits_of(*parameter.value) : std::uint8_t{0};
  return *bits != 0;
}

// §7.1.2.2: in an offer this one may stand without a value: the client can be asked.
bool take_client_window_bits(const ExtensionParameter& parameter, std::optional<std::uint8_t>& bits) {
  if (parameter.value || bits) return take_window_bits(parameter, bits);
  bits = max_deflate_window_bits;
  return true;
}

// §7.1: nothing if the offer has a parameter that is unknown, has a value it must not have, or comes twice.
std::optional<Offer> read(const ExtensionOffer& extension) {
  Offer offer;
  const auto take = [&offer](const ExtensionParameter& parameter) {
    const std::string_view name = parameter.name;
    if (name == "server_no_context_takeover") return take_flag(parameter, offer.server_no_context_takeover);
    if (name == "client_no_context_takeover") return take_flag(parameter, offer.client_no_context_takeover);
    if (name == "server_max_window_bits") return take_window_bits(parameter, offer.server_max_window_bits);
    if (name == "client_max_window_bits") return take_client_window_bits(parameter, offer.client_max_window_bits);
    return false;
  };
  if (!std::ranges::all_of(extension.parameters, take)) return std::nullopt;
  return offer;
}

ContextTakeover takeover(bool no_context_takeover, ContextTakeover wanted) {
  return no_context_takeover ? ContextTakeover::no : wanted;
}

// Nothing if we could not keep to it.
std::optional<DeflateParameters> parameters_for(const Offer& offer, const DeflatePolicy& policy) {
  if (offer.server_max_window_bits.value_or(max_deflate_window_bits) < min_deflate_window_bits) return std::nullopt;
  return DeflateParameters{
      .server_window_bits =
          std::min(policy.window_bits, offer.server_max_window_bits.value_or(max_deflate_window_bits)),
      // §7.1.2.2: a client that did not bring it up cannot be asked, and uses what it likes.
      .client_window_bits = offer.client_max_window_bits ? std::min(policy.window_bits, *offer.client_max_window_bits)
                                                         : max_deflate_window_bits,
      .server_takeover = takeover(offer.server_no_context_takeover, policy.server_takeover),
      .client_takeover = takeover(offer.client_no_context_takeover, policy.client_takeover),
  };
}

// §7.1: a parameter that the offer has must be answered, one that it lacks may be, save for client_max_window_bits.
std::string answer_to(const Offer& offer, const DeflateParameters& agreed) {
  std::string answer(extension_name);
  if (agreed.server_takeover == ContextTakeover::no) answer += "; server_no_context_takeover";
  if (agreed.client_takeover == ContextTakeover::no) answer += "; client_no_context_takeover";
  if (offer.server_max_window_bits || agreed.server_window_bits < max_deflate_window_bits) {
    answer += "; server_max_window_bits=" + std::to_string(agreed.server_window_bits);
  }
  if (offer.client_max_window_bits && agreed.client_window_bits < max_deflate_window_bits) {
    answer += "; client_max_window_bits=" + std::to_string(agreed.client_window_bits);
  }
  return answer;
}

}  // namespace

std::optional<DeflateAgreement> negotiate_deflate(std::span<const ExtensionOffer> offers, const DeflatePolicy& policy) {
  for (const ExtensionOffer& extension : offers) {
    if (extension.name != extension_name) continue;
    const auto offer = read(extension);
    if (!offer) continue;
    if (const auto agreed = parameters_for(*offer, policy))
      return DeflateAgreement{*agreed, answer_to(*offer, *agreed)};
  }
  return std::nullopt;
}

}  // namespace wsd::protocol
