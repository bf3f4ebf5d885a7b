#include "protocol/trusted_proxies.h"

#include <algorithm>

#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view forwarded_for = "X-Forwarded-For";
constexpr std::string_view real_ip = "X-Real-IP";

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// An address as proxies write it: some add the port, which puts IPv6 into brackets.
std::optional<IpAddress> address_in(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return IpAddress::parse(text.substr(1, bracket - 1));
  }
  const std::size_t colon = text.find(':');
  const bool has_port = colon != std::string_view::npos && colon == text.rfind(':') && is_port(text.substr(colon + 1));
  return IpAddress::parse(has_port ? text.substr(0, colon) : text);
}

// Takes the last element from the end of a comma-separated list, trimmed; unlike take_list_element(), it gives empty
// ones too.
std::string_view take_last_element(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  const std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return trim_whitespace(last);
}

}  // namespace

std::optional<std::string> TrustedProxies::add(std::string_view text) {
  if (text == unix_peer) {
    unix_ = true;
    return std::nullopt;
  }
  const auto network = IpNetwork::parse(text);
  if (!network) {
    return "is no address and no block of them; write it like 10.0.0.0/8, 127.0.0.1 or 2001:db8::/32, with no bits "
           "behind the prefix, or unix: for the peers of unix sockets";
  }
  networks_.push_back(*network);
  return std::nullopt;
}

bool TrustedProxies::trust(std::string_view peer) const {
  if (peer == unix_peer) return unix_;
  if (networks_.empty()) return false;
  const auto address = IpAddress::parse(peer);
  return address && trust(*address);
}

bool TrustedProxies::trust(const IpAddress& address) const {
  return std::ranges::any_of(networks_, [&address](const IpNetwork& network) { return network.contains(address); });
}

std::string TrustedProxies::client_of(std::string_view peer, const HttpRequest& request) const {
  if (!trust(peer)) return std::string(peer);
  if (request.header(forwarded_for)) return walk(peer, request);
  const auto address = request.count(real_ip) == 1 ? address_in(*request.header(real_ip)) : std::nullopt;
  return address ? address->to_string() : std::string(peer);
}

// From the right, over trusted addresses, to the first that is not; what is no address ends it before that. Headers of
// the same name are one list (RFC 9110 §5.3).
std::string TrustedProxies::walk(std::string_view peer, const HttpRequest& request) const {
  std::vector<std::string_view> lists;
  for (const auto header : request.headers()) {
    if (equal_ignoring_case(header.name, forwarded_for)) lists.push_back(header.value);
  }
  std::string client(peer);
  for (; !lists.empty(); lists.pop_back()) {
    for (std::string_view list = lists.back(); !list.empty();) {
      const auto address = address_in(take_last_element(list));
      if (!address) return client;
      client = address->to_string();
      if (!trust(*address)) return client;
    }
  }
  return client;
}

}  // namespace wsd::protocol
