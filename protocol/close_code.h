// Close codes (RFC 6455 §7.4 and the IANA registry) and the Close frame a server writes (§5.5.1).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/frame.h"

namespace wsd::protocol {

// Plain numbers, not an enum: applications have 3000 to 4999 for themselves.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t no_code = 1005;   // never on the wire: a Close frame without a code arrived
inline constexpr std::uint16_t abnormal = 1006;  // never on the wire: the connection ended without a Close frame
inline constexpr std::uint16_t invalid_payload = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t message_too_big = 1009;
inline constexpr std::uint16_t extension_required = 1010;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t service_restart = 1012;
inline constexpr std::uint16_t try_again_later = 1013;
inline constexpr std::uint16_t bad_gateway = 1014;
}  // namespace close_code

// §7.4: may this code stand in a Close frame? The same answer holds for what we send.
[[nodiscard]] constexpr bool may_be_sent_by_peer(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

inline constexpr std::size_t max_close_reason = max_control_payload - 2;
inline constexpr std::size_t max_close_frame_size = 2 + max_control_payload;

// Writes a whole unmasked Close frame to `out`, which must have room for max_close_frame_size bytes; returns its size.
// `code` must be one that may be sent (asserted: check what applications pass); without one the frame has no body.
// A reason that is too long is cut between two characters; one that is not UTF-8 is left out (§5.5.1).
std::size_t serialize_close(std::optional<std::uint16_t> code, std::string_view reason, std::byte* out);

}  // namespace wsd::protocol
