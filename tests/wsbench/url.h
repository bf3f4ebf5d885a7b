#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::bench {

// Where a server is: ws[s]://HOST[:PORT][/PATH].
struct Url {
  bool is_secure = false;
  std::string host;  // a name, an IPv4 address, or an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string path;  // and query, from the slash on

  // Throws std::invalid_argument with what is wrong.
  static Url parse(std::string_view text);

  // As the Host header has it (RFC 9110 §7.2): the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
};

}  // namespace wsd::bench
