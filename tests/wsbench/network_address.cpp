#include "tests/wsbench/network_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace wsd::bench {

namespace {

constexpr std::size_t most_sources = 4096;

std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) throw std::invalid_argument(fmt::format("{}: {}", host, ::gai_strerror(error)));
  return {found, &::freeaddrinfo};
}

}  // namespace

NetworkAddress NetworkAddress::resolve(const std::string& host, std::uint16_t port) {
  const auto found = look_up(host, port, 0);
  NetworkAddress address;
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  address.size_ = found->ai_addrlen;
  return address;
}

NetworkAddress NetworkAddress::parse(const std::string& digits) {
  NetworkAddress address;
  const auto found = look_up(digits, 0, AI_NUMERICHOST);
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  address.size_ = found->ai_addrlen;
  return address;
}

bool NetworkAddress::is_loopback_v4() const {
  return family() == AF_INET && number() >> 24U == 127;
}

std::uint32_t NetworkAddress::number() const {
  sockaddr_in internet{};
  std::memcpy(&internet, &storage_, sizeof internet);
  return ntohl(internet.sin_addr.s_addr);
}

NetworkAddress NetworkAddress::plus(std::uint32_t count) const {
  NetworkAddress other = *this;
  sockaddr_in internet{};
  std::memcpy(&internet, &storage_, sizeof internet);
  internet.sin_addr.s_addr = htonl(number() + count);
  std::memcpy(&other.storage_, &internet, sizeof internet);
  return other;
}

std::vector<NetworkAddress> parse_sources(std::string_view text) {
  std::vector<NetworkAddress> sources;
  while (!text.empty()) {
    const std::string_view element = text.substr(0, text.find(','));
    text.remove_prefix(std::min(element.size() + 1, text.size()));
    const std::size_t dash = element.find('-');
    const NetworkAddress first = NetworkAddress::parse(std::string(element.substr(0, dash)));
    sources.push_back(first);
    if (dash == std::string_view::npos) continue;
    const NetworkAddress last = NetworkAddress::parse(std::string(element.substr(dash + 1)));
    if (first.family() != AF_INET || last.family() != AF_INET || last.number() < first.number() ||
        last.number() - first.number() >= most_sources) {
      throw std::invalid_argument(fmt::format("{} is no range of IPv4 addresses, as 127.0.0.2-127.0.0.9 is", element));
    }
    for (std::uint32_t i = 1; i <= last.number() - first.number(); ++i) sources.push_back(first.plus(i));
  }
  for (const NetworkAddress& source : sources) {
    if (source.family() != sources.front().family()) {
      throw std::invalid_argument("source addresses are all IPv4 or all IPv6");
    }
  }
  return sources;
}

std::vector<NetworkAddress> loopback_sources(std::size_t connections) {
  const NetworkAddress first = NetworkAddress::parse("127.0.0.1");
  std::vector<NetworkAddress> sources;
  constexpr std::size_t most_for_each = connections_per_source / 8;
  for (std::uint32_t i = 0; i <= connections / most_for_each; ++i) sources.push_back(first.plus(i));
  return sources;
}

}  // namespace wsd::bench
