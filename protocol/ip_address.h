// An IPv4 or IPv6 address as a value, and blocks of them (CIDR, RFC 4632, RFC 4291 §2.3).
//
// An IPv4 address that is written as an IPv6 one (::ffff:192.0.2.1) is that IPv4 address: one client has one spelling.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wsd::protocol {

class IpAddress {
 public:
  static constexpr std::size_t ipv4_size = 4;
  static constexpr std::size_t ipv6_size = 16;
  static constexpr unsigned bit_count = 128;

  // "192.0.2.1" or "2001:db8::1": no brackets, no port, no zone, no leading zeros.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  // In network order.
  [[nodiscard]] static IpAddress from_bytes(std::span<const std::byte, ipv4_size> bytes);
  [[nodiscard]] static IpAddress from_bytes(std::span<const std::byte, ipv6_size> bytes);

  [[nodiscard]] bool is_ipv4() const;
  // The canonical spelling (RFC 5952).
  [[nodiscard]] std::string to_string() const;
  // Without all but its first `length` bits of 128. An IPv4 address begins at bit 96.
  [[nodiscard]] IpAddress first_bits(unsigned length) const;

  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::byte, ipv6_size> bytes_{};  // IPv4: behind ::ffff:
};

class IpNetwork {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address alone. Nothing also where bits behind the prefix are set.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);

  // Never of the other version: ::/0 has no IPv4 address.
  [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
  IpAddress first_;
  unsigned length_ = 0;  // of 128
};

}  // namespace wsd::protocol
