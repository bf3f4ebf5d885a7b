#include "protocol/origin_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

constexpr std::string_view scheme_end = "://";

struct SchemePort {
  std::string_view scheme;
  std::uint16_t port;
};
constexpr std::array<SchemePort, 4> scheme_ports{{{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}}};

bool is_own_port(std::string_view scheme, std::uint16_t port) {
  return std::ranges::any_of(scheme_ports,
                             [&](const SchemePort& own) { return own.scheme == scheme && own.port == port; });
}

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A')) : character;
}

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

// RFC 3986 §3.1.
bool is_scheme(std::string_view text) {
  const auto belongs = [](char character) {
    return is_letter_or_digit(character) || character == '+' || character == '-' || character == '.';
  };
  return !text.empty() && is_letter_or_digit(text.front()) && std::ranges::all_of(text, belongs);
}

// A name or an IPv4 address; labels have at least a character each, but a dot may end the last one.
bool is_name(std::string_view text) {
  const auto belongs = [](char character) {
    return is_letter_or_digit(character) || character == '-' || character == '_' || character == '.';
  };
  return !text.empty() && text.front() != '.' && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, belongs);
}

bool is_ipv6_in_brackets(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdefABCDEF:.";
  return text.size() > 4 && text.front() == '[' && text.back() == ']' &&
         text.substr(1, text.size() - 2).find_first_not_of(digits) == std::string_view::npos;
}

// Without leading zeros: two spellings of one port are one too many.
std::optional<std::uint16_t> port_from(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || rest != end || port == 0 || text.front() == '0') return std::nullopt;
  return port;
}

// Where the host ends: behind the bracket, or at the colon.
std::size_t host_length(std::string_view authority) {
  if (!authority.starts_with('[')) return std::min(authority.find(':'), authority.size());
  const std::size_t bracket = authority.find(']');
  return bracket == std::string_view::npos ? authority.size() : bracket + 1;
}

std::string no_rule(std::string_view why) {
  return std::string(why) +
         "; it must be SCHEME://HOST or SCHEME://HOST:PORT, as in https://chat.example.com, https://*.example.com or "
         "*://localhost:8080, or one of the words null and absent";
}

HttpError forbidden(std::string text) {
  return {403, std::move(text), {}};
}

}  // namespace

std::optional<std::string> OriginRules::add(std::string_view text) {
  if (text == "null" || text == "absent") {
    (text == "null" ? null_ : absent_) = true;
    return std::nullopt;
  }
  std::size_t colon = text.find(scheme_end);
  if (colon == std::string_view::npos) return no_rule("has no scheme");
  Rule rule;
  // What is any scheme is parsed as one that has no port of its own.
  rule.any_scheme = text.substr(0, colon) == "*";
  std::string plain(rule.any_scheme ? "any" : text.substr(0, colon));
  plain += scheme_end;
  std::string_view authority = text.substr(colon + scheme_end.size());
  if (authority.find_first_of("/?#") != std::string_view::npos) return no_rule("has a path, and no origin has one");
  rule.hosts_below = authority.starts_with("*.");
  if (rule.hosts_below) authority.remove_prefix(2);
  if (authority.find('*') != std::string_view::npos) return no_rule("has a * that does not stand for whole labels");
  auto origin = parse(plain.append(authority));
  if (!origin || (rule.hosts_below && origin->host.starts_with('['))) return no_rule("is no origin");
  rule.origin = std::move(*origin);
  rules_.push_back(std::move(rule));
  return std::nullopt;
}

std::optional<HttpError> OriginRules::check(const HttpRequest& request) const {
  if (rules_.empty() && !null_ && !absent_) return std::nullopt;
  // RFC 6454 §7.3: no client sends two, and whoever reads on might take the other one.
  if (request.count("Origin") > 1) return HttpError{400, "The request has more than one Origin header.", {}};
  const auto origin = request.header("Origin");
  if (!origin && !absent_) return forbidden("A request without an Origin header may not open a WebSocket here.");
  if (origin && !allow(*origin)) return forbidden("A page of this Origin may not open a WebSocket here.");
  return std::nullopt;
}

bool OriginRules::allow(std::string_view text) const {
  if (text == "null") return null_;
  const auto origin = parse(text);
  return origin && std::ranges::any_of(rules_, [&origin](const Rule& rule) { return rule.matches(*origin); });
}

bool OriginRules::Rule::matches(const Origin& candidate) const {
  if (!any_scheme && candidate.scheme != origin.scheme) return false;
  const bool same_port = candidate.port == origin.port ||
                         (any_scheme && !candidate.port && is_own_port(candidate.scheme, origin.port.value_or(0)));
  if (!same_port) return false;
  if (!hosts_below) return candidate.host == origin.host;
  return candidate.host.size() > origin.host.size() + 1 && candidate.host.ends_with("." + origin.host);
}

std::optional<OriginRules::Origin> OriginRules::parse(std::string_view text) {
  const std::size_t colon = text.find(scheme_end);
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
  const std::string_view authority = text.substr(colon + scheme_end.size());
  const std::string_view host = authority.substr(0, host_length(authority));
  if (!is_name(host) && !is_ipv6_in_brackets(host)) return std::nullopt;
  Origin origin{.scheme = in_lower_case(text.substr(0, colon)), .host = in_lower_case(host), .port = std::nullopt};
  if (host.size() == authority.size()) return origin;
  const auto port = port_from(authority.substr(host.size() + 1));
  if (authority[host.size()] != ':' || !port) return std::nullopt;
  if (!is_own_port(origin.scheme, *port)) origin.port = port;
  return origin;
}

}  // namespace wsd::protocol
