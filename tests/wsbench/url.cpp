#include "tests/wsbench/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace wsd::bench {

namespace {

constexpr std::uint16_t plain_port = 80, secure_port = 443;  // RFC 6455 §3

std::uint16_t own_port(bool is_secure) {
  return is_secure ? secure_port : plain_port;
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(fmt::format("{} is no address to test: {}", text, why));
}

std::uint16_t port_from(std::string_view digits, std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    refuse(text, "behind the colon comes a port from 1 to 65535");
  }
  return port;
}

}  // namespace

Url Url::parse(std::string_view text) {
  Url url;
  url.is_secure = text.starts_with("wss://");
  if (!url.is_secure && !text.starts_with("ws://")) refuse(text, "it begins with ws:// or wss://");
  std::string_view rest = text.substr(text.find("//") + 2);
  const std::size_t path_start = std::min(rest.find_first_of("/?#"), rest.size());
  url.path = rest.substr(path_start);
  url.path.erase(std::min(url.path.find('#'), url.path.size()));  // a fragment stays with the client
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  const bool has_bad_character =
      std::any_of(url.path.begin(), url.path.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  if (has_bad_character) refuse(text, "write blanks in a path as %20");
  rest = rest.substr(0, path_start);
  if (rest.find('@') != std::string_view::npos) refuse(text, "a user name goes into a header: -H 'Authorization: …'");

  const bool is_bracketed = rest.starts_with('[');
  if (!is_bracketed && std::count(rest.begin(), rest.end(), ':') > 1)
    refuse(text, "an IPv6 address stands in brackets");
  const std::size_t host_end = is_bracketed ? rest.find(']') : std::min(rest.find(':'), rest.size());
  if (host_end == std::string_view::npos) refuse(text, "the bracket of the IPv6 address is not closed");
  url.host = is_bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  if (url.host.empty()) refuse(text, "there is no host, as in ws://127.0.0.1:8080/");
  rest = rest.substr(host_end + (is_bracketed ? 1 : 0));
  if (!rest.empty() && !rest.starts_with(':')) refuse(text, "behind the bracket comes :PORT or /PATH");
  url.port = rest.size() > 1 ? port_from(rest.substr(1), text) : own_port(url.is_secure);
  return url;
}

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == own_port(is_secure) ? name : fmt::format("{}:{}", name, port);
}

}  // namespace wsd::bench
