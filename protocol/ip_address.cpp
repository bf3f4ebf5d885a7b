#include "protocol/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "protocol/assertion.h"

namespace wsd::protocol {
namespace {

constexpr std::size_t mapped_size = IpAddress::ipv6_size - IpAddress::ipv4_size;
constexpr unsigned mapped_bits = 8 * mapped_size;
// RFC 4291 §2.5.5.2.
constexpr std::array<std::byte, mapped_size> mapped_prefix{
    {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xFF}, std::byte{0xFF}}};

std::optional<unsigned> length_from(std::string_view text, unsigned limit) {
  unsigned length = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, length);
  if (error != std::errc() || rest != end || length > limit) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return length;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton() takes a C string; it leaves out of both forms what two readers could read differently.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  std::array<std::byte, ipv4_size> ipv4{};
  if (::inet_pton(AF_INET, terminated.data(), ipv4.data()) == 1) return from_bytes(ipv4);
  std::array<std::byte, ipv6_size> ipv6{};
  if (::inet_pton(AF_INET6, terminated.data(), ipv6.data()) == 1) return from_bytes(ipv6);
  return std::nullopt;
}

IpAddress IpAddress::from_bytes(std::span<const std::byte, ipv4_size> bytes) {
  IpAddress address;
  std::ranges::copy(mapped_prefix, address.bytes_.begin());
  std::ranges::copy(bytes, address.bytes_.begin() + mapped_size);
  return address;
}

IpAddress IpAddress::from_bytes(std::span<const std::byte, ipv6_size> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

bool IpAddress::is_ipv4() const {
  return std::ranges::equal(std::span(bytes_).first<mapped_size>(), mapped_prefix);
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool ipv4 = is_ipv4();
  const void* const bytes = ipv4 ? bytes_.data() + mapped_size : bytes_.data();
  WSD_ASSERT(::inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes, text.data(), text.size()) != nullptr);
  return text.data();
}

IpAddress IpAddress::first_bits(unsigned length) const {
  WSD_ASSERT(length <= bit_count);
  IpAddress result = *this;
  for (std::size_t i = 0; i < result.bytes_.size(); ++i) {
    const std::size_t kept = std::clamp<std::size_t>(length, 8 * i, 8 * i + 8) - 8 * i;
    result.bytes_[i] &= static_cast<std::byte>(0xFF00U >> kept);
  }
  return result;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view written = text.substr(0, slash);
  const auto address = IpAddress::parse(written);
  if (!address) return std::nullopt;
  // What is written as an IPv6 address has an IPv6 prefix, also where it means an IPv4 one.
  const unsigned offset = written.find(':') == std::string_view::npos ? mapped_bits : 0;
  IpNetwork network;
  network.first_ = *address;
  network.length_ = IpAddress::bit_count;
  if (slash != std::string_view::npos) {
    const auto length = length_from(text.substr(slash + 1), IpAddress::bit_count - offset);
    if (!length) return std::nullopt;
    network.length_ = offset + *length;
  }
  return address->first_bits(network.length_) == *address ? std::optional(network) : std::nullopt;
}

bool IpNetwork::contains(const IpAddress& address) const {
  return address.is_ipv4() == first_.is_ipv4() && address.first_bits(length_) == first_;
}

}  // namespace wsd::protocol
