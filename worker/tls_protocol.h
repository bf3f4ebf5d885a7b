// The version of TLS that a client's stream has.

#pragma once

#include <cstdint>
#include <string_view>

namespace wsd::worker {

// The numbers are on the wire between workers: never reuse one.
enum class TlsProtocol : std::uint8_t { none = 0, v1_2 = 2, v1_3 = 3 };

// "1.3"; empty without TLS.
[[nodiscard]] constexpr std::string_view to_string(TlsProtocol protocol) {
  switch (protocol) {
    case TlsProtocol::v1_2:
      return "1.2";
    case TlsProtocol::v1_3:
      return "1.3";
    case TlsProtocol::none:
      break;
  }
  return "";
}

}  // namespace wsd::worker
