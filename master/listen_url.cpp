#include "master/listen_url.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "protocol/printable_text.h"

namespace wsd::master {

namespace {

constexpr std::string_view proxy_suffix = "?proxy";

struct SchemeName {
  std::string_view spelling;
  Scheme scheme;
};
constexpr std::array<SchemeName, 3> websocket_schemes{
    {{"ws", Scheme::ws}, {"websocket", Scheme::ws}, {"wss", Scheme::wss}}};
constexpr std::array<SchemeName, 1> api_schemes{{{"http", Scheme::http}}};

// RFC 6455 §3
std::uint16_t default_port(Scheme scheme) {
  return scheme == Scheme::wss ? 443 : 80;
}

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::optional<Scheme> scheme_from(std::string_view text, SocketKind kind) {
  const bool is_api = kind == SocketKind::api;
  for (const SchemeName& name : is_api ? std::span<const SchemeName>(api_schemes) : websocket_schemes) {
    if (equals_ignoring_case(text, name.spelling)) return name.scheme;
  }
  return std::nullopt;
}

bool is_ipv6_address(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_ipv4_address(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_name_character(char character) {
  const char small = lower(character);
  return (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small == '-' || small == '.' ||
         small == '_';
}

// A name that the resolver may be asked for. What looks like an IPv4 address must be one: "10.0.0.256" is no name.
bool is_host(const std::string& host) {
  if (host.empty() || host.size() > 253 || !std::ranges::all_of(host, is_name_character)) return false;
  const bool only_digits = host.find_first_not_of("0123456789.") == std::string::npos;
  return only_digits ? is_ipv4_address(host) : host.front() != '-' && host.front() != '.';
}

std::optional<std::uint16_t> port_from(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || rest != end) return std::nullopt;
  return port;
}

// Where the host ends: behind the bracket, or at the colon.
std::size_t host_length(std::string_view authority) {
  if (!authority.starts_with('[')) return std::min(authority.find(':'), authority.size());
  const std::size_t bracket = authority.find(']');
  return bracket == std::string_view::npos ? authority.size() : bracket + 1;
}

// Takes the brackets off an IPv6 address. What is wrong with the host, or nothing.
const char* take_host_apart(std::string& host, std::string_view rest) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return "the bracket is not closed";
    host = host.substr(1, host.size() - 2);
    return is_ipv6_address(host) ? nullptr : "there is no IPv6 address in the brackets";
  }
  if (rest.find(':') != rest.rfind(':')) return "an IPv6 address needs brackets";
  if (host.empty()) return "it has no host";
  return is_host(host) ? nullptr : "no such host can exist";
}

// The bytes of a path that the kernel takes, without the NUL behind them.
constexpr std::size_t max_path = sizeof(sockaddr_un::sun_path) - 1;

std::string what_is_wrong_with_path(std::string_view path) {
  if (path.empty()) return "it has no path";
  if (!path.starts_with('/')) return "the path does not begin with /";
  if (path.ends_with('/')) return "the path names a directory";
  if (path.size() <= max_path) return {};
  return fmt::format("the path has {} bytes, and the kernel takes {}", path.size(), max_path);
}

std::string_view example(SocketKind kind) {
  return kind == SocketKind::api ? "http://127.0.0.1:8090 or unix:/run/wsd/api.http"
                                 : "ws://0.0.0.0:8080, wss://0.0.0.0:8443 or unix:/run/wsd/chat.ws";
}

}  // namespace

bool ListenUrl::is_loopback() const {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24U) == 127;
  return is_unix() || host == "::1" || equals_ignoring_case(host, "localhost");
}

bool ListenUrl::is_same_place(const ListenUrl& other) const {
  if (is_unix() || other.is_unix()) return is_unix() && other.is_unix() && path == other.path;
  return port != 0 && port == other.port && equals_ignoring_case(host, other.host);
}

Result<ListenUrl> parse_listen_url(std::string_view text, SocketKind kind) {
  const auto refuse = [text, kind](std::string_view why) {
    return Error{
        fmt::format("bad listen URL '{}': {}; write it like {}", protocol::printable(text), why, example(kind))};
  };
  const std::size_t question = text.find('?');
  const bool proxied = question != std::string_view::npos;
  if (proxied && text.substr(question) != proxy_suffix) return refuse("nothing but ?proxy may stand behind it");
  const std::string_view address = text.substr(0, question);
  if (address.starts_with(unix_prefix)) {
    const std::string_view path = address.substr(unix_prefix.size());
    const std::string problem = what_is_wrong_with_path(path);
    if (!problem.empty()) return refuse(problem);
    return ListenUrl{Scheme::unix_socket, {}, 0, std::string(path), kind, proxied};
  }
  const std::size_t colon = address.find("://");
  if (colon == std::string_view::npos) return refuse("it has no scheme");
  const auto scheme = scheme_from(address.substr(0, colon), kind);
  if (!scheme) return refuse("its scheme is not served here");

  std::string_view authority = address.substr(colon + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  const std::size_t length = host_length(authority);
  std::string_view port_text = authority.substr(length);
  if (*scheme == Scheme::wss) kind = SocketKind::secure;
  ListenUrl url{*scheme, std::string(authority.substr(0, length)), default_port(*scheme), {}, kind, proxied};
  if (const char* why = take_host_apart(url.host, port_text)) return refuse(why);

  if (port_text.empty()) return url;
  const auto port = port_text.starts_with(':') ? port_from(port_text.substr(1)) : std::nullopt;
  if (!port) return refuse("the port must be a number from 0 to 65535");
  url.port = *port;
  return url;
}

std::string to_string(const ListenUrl& url) {
  const std::string_view suffix = url.proxied ? proxy_suffix : "";
  if (url.is_unix()) return fmt::format("{}{}{}", unix_prefix, url.path, suffix);
  const std::string_view scheme = url.scheme == Scheme::http ? "http" : url.scheme == Scheme::wss ? "wss" : "ws";
  return url.is_ipv6() ? fmt::format("{}://[{}]:{}{}", scheme, url.host, url.port, suffix)
                       : fmt::format("{}://{}:{}{}", scheme, url.host, url.port, suffix);
}

}  // namespace wsd::master
