#include "protocol/proxy_header.h"

#include <array>
#include <charconv>
#include <string_view>

#include "protocol/assertion.h"

namespace wsd::protocol {
namespace {

using Step = ProxyHeaderParser::Step;

constexpr std::string_view signature_v1 = "PROXY ";
constexpr std::string_view signature_v2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t fixed_size_v2 = 16;  // signature, version and command, family and transport, length

enum class Command : std::uint8_t { local = 0, proxy = 1 };
enum class Family : std::uint8_t { unspecified = 0, ipv4 = 1, ipv6 = 2, unix_socket = 3 };
enum class Carrier : std::uint8_t { unspecified = 0, stream = 1, datagram = 2 };

// Two addresses, and two ports where there are ports.
constexpr std::size_t address_size(Family family) {
  switch (family) {
    case Family::ipv4:
      return 2 * IpAddress::ipv4_size + 4;
    case Family::ipv6:
      return 2 * IpAddress::ipv6_size + 4;
    case Family::unix_socket:
      return 2 * 108;
    case Family::unspecified:
      break;
  }
  return 0;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Words are parted by one space each. Gives the rest where there is no further space.
std::string_view take_word(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return word;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && (text.size() == 1 || text.front() != '0');
}

std::optional<IpAddress> address_of(std::string_view family, std::string_view text) {
  const bool has_colon = text.find(':') != std::string_view::npos;
  return has_colon == (family == "TCP6") ? IpAddress::parse(text) : std::nullopt;
}

}  // namespace

ProxyHeaderParser::Step ProxyHeaderParser::next(std::span<const std::byte>& input) {
  WSD_ASSERT(step_ != Step::complete);
  while (step_ == Step::need_more && !input.empty()) {
    bytes_.push_back(input.front());
    input = input.subspan(1);
    step_ = judge();
  }
  if (step_ == Step::failed) input = {};
  return step_;
}

// The newest byte, in the light of those before it.
ProxyHeaderParser::Step ProxyHeaderParser::judge() {
  const std::string_view text = as_text(bytes_);
  if (text.front() == signature_v1.front()) {
    if (text.size() <= signature_v1.size()) return signature_v1.starts_with(text) ? Step::need_more : Step::failed;
    return judge_v1();
  }
  if (text.size() <= signature_v2.size()) return signature_v2.starts_with(text) ? Step::need_more : Step::failed;
  return judge_v2();
}

ProxyHeaderParser::Step ProxyHeaderParser::judge_v1() {
  const std::string_view text = as_text(bytes_);
  const bool after_cr = text[text.size() - 2] == '\r';
  if ((text.back() == '\n') != after_cr) return Step::failed;
  if (after_cr) return take_line();
  return text.size() < max_size_v1 ? Step::need_more : Step::failed;
}

// Version 1 is one line of text (section 2.1).
ProxyHeaderParser::Step ProxyHeaderParser::take_line() {
  std::string_view line = as_text(bytes_);
  line.remove_suffix(2);
  line.remove_prefix(signature_v1.size());
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return Step::complete;  // what follows is to be ignored
  if (family != "TCP4" && family != "TCP6") return Step::failed;
  const auto source = address_of(family, take_word(line));
  const auto destination = address_of(family, take_word(line));
  const bool good = source && destination && is_port(take_word(line)) && is_port(line);
  if (!good) return Step::failed;
  source_ = source;
  return Step::complete;
}

// Version 2 is binary (section 2.2): 16 fixed bytes, addresses, and TLVs that are passed over.
ProxyHeaderParser::Step ProxyHeaderParser::judge_v2() {
  if (bytes_.size() < fixed_size_v2) return Step::need_more;
  const std::size_t length = std::size_t{byte(14)} << 8U | byte(15);
  const std::size_t size = fixed_size_v2 + length;
  if (bytes_.size() == fixed_size_v2) {
    const auto family = static_cast<Family>(byte(13) >> 4U);
    const unsigned version = byte(12) >> 4U;
    const unsigned command = byte(12) & 0xFU;
    const unsigned carrier = byte(13) & 0xFU;
    const bool known = version == 2 && command <= static_cast<unsigned>(Command::proxy) &&
                       family <= Family::unix_socket && carrier <= static_cast<unsigned>(Carrier::datagram);
    if (!known || size > max_size_v2) return Step::failed;
    // LOCAL: whatever there is in place of addresses is to be passed over.
    if (command == static_cast<unsigned>(Command::proxy) && length < address_size(family)) return Step::failed;
  }
  return bytes_.size() < size ? Step::need_more : take_addresses();
}

ProxyHeaderParser::Step ProxyHeaderParser::take_addresses() {
  const auto family = static_cast<Family>(byte(13) >> 4U);
  const bool is_proxied = static_cast<Command>(byte(12) & 0xFU) == Command::proxy;
  const bool is_stream = static_cast<Carrier>(byte(13) & 0xFU) == Carrier::stream;
  if (!is_proxied || !is_stream) return Step::complete;
  const auto source = std::span(bytes_).subspan(fixed_size_v2);
  if (family == Family::ipv4) source_ = IpAddress::from_bytes(source.first<IpAddress::ipv4_size>());
  if (family == Family::ipv6) source_ = IpAddress::from_bytes(source.first<IpAddress::ipv6_size>());
  return Step::complete;
}

}  // namespace wsd::protocol
