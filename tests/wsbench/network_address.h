#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::bench {

// An IPv4 or IPv6 address and a port, as the kernel takes it.
class NetworkAddress {
 public:
  // Asks the resolver, which may wait; the first of several answers. Throws std::invalid_argument.
  static NetworkAddress resolve(const std::string& host, std::uint16_t port);
  // Of digits alone. Throws std::invalid_argument.
  static NetworkAddress parse(const std::string& digits);

  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] bool is_loopback_v4() const;
  // IPv4 only: the address `count` after this one.
  [[nodiscard]] NetworkAddress plus(std::uint32_t count) const;
  [[nodiscard]] std::uint32_t number() const;  // IPv4 only

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// "ADDRESS[,ADDRESS…]" where one may be a range of IPv4 addresses, "127.0.0.2-127.0.0.9". All of one family. Throws
// std::invalid_argument.
[[nodiscard]] std::vector<NetworkAddress> parse_sources(std::string_view text);

// Connections that one source address can have to one target: what the kernel's default range of ports has, and a
// reserve for what else runs there.
inline constexpr std::size_t connections_per_source = 28'000;

// 127.0.0.1 and what follows, as many as so many connections need, and more: where most ports of an address are taken,
// the kernel looks long for one that is free (60,000 connections: 66 s from three addresses, 6 s from twenty).
[[nodiscard]] std::vector<NetworkAddress> loopback_sources(std::size_t connections);

}  // namespace wsd::bench
