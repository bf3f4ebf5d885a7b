// The PROXY protocol of HAProxy, versions 1 and 2: a header before the first byte of a connection, by which a proxy
// says whom it speaks for (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
//
// Owned by whoever waits for the header. Takes nothing behind it. Knows no sockets: whether the peer is one to be
// believed is the caller's to judge.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/ip_address.h"

namespace wsd::protocol {

class ProxyHeaderParser {
 public:
  enum class Step : std::uint8_t {
    need_more,  // `input` is used up
    complete,   // see source(); `input` begins with what came behind the header
    failed,     // final: this is no PROXY header
  };

  // With the line's end; the version 2 header has no limit of its own: this one leaves room for TLVs.
  static constexpr std::size_t max_size_v1 = 107;
  static constexpr std::size_t max_size_v2 = 536;

  // Consumes from the front of `input`. Not to be called again after Step::complete.
  [[nodiscard]] Step next(std::span<const std::byte>& input);

  // After Step::complete: the client's address. Nothing where the proxy speaks for itself (LOCAL), or does not know or
  // cannot say for whom (UNKNOWN, UNSPEC, unix sockets, datagrams).
  [[nodiscard]] const std::optional<IpAddress>& source() const { return source_; }

  // What has arrived of an unfinished header: fed to another parser, it brings that one to where this one stands.
  [[nodiscard]] std::span<const std::byte> unfinished_input() const { return bytes_; }

 private:
  [[nodiscard]] Step judge();
  [[nodiscard]] Step judge_v1();
  [[nodiscard]] Step judge_v2();
  [[nodiscard]] Step take_line();
  [[nodiscard]] Step take_addresses();
  [[nodiscard]] std::uint8_t byte(std::size_t index) const { return static_cast<std::uint8_t>(bytes_[index]); }

  Step step_ = Step::need_more;
  std::vector<std::byte> bytes_;  // of the header
  std::optional<IpAddress> source_;
};

}  // namespace wsd::protocol
