// permessage-deflate (RFC 7692) in the opening handshake: what a client offers, what a server wants, what they agree
// on. The bytes of messages are deflate_stream.h's.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "protocol/extension_header.h"

namespace wsd::protocol {

// §7.1.1: whether a message may refer back to the messages before it. With it compression is better, and each
// connection needs a window, or a whole compressor, of its own.
enum class ContextTakeover : bool { no = false, yes = true };

// LZ77 windows have 2^bits bytes. zlib cannot make use of one of 8 bits (it would take 9 and break the promise), though
// it reads what was made with one.
inline constexpr std::uint8_t min_deflate_window_bits = 9;
inline constexpr std::uint8_t max_deflate_window_bits = 15;

// What a server wants of a connection.
struct DeflatePolicy {
  std::uint8_t window_bits =
      max_deflate_window_bits;  // at most, in either direction, as far as the client can be asked
  ContextTakeover server_takeover = ContextTakeover::no;
  ContextTakeover client_takeover = ContextTakeover::no;
};

// What holds on a connection: the server deflates by the first of each pair, and inflates by the second.
struct DeflateParameters {
  std::uint8_t server_window_bits = max_deflate_window_bits;
  std::uint8_t client_window_bits = max_deflate_window_bits;  // may be 8
  ContextTakeover server_takeover = ContextTakeover::no;
  ContextTakeover client_takeover = ContextTakeover::no;

  bool operator==(const DeflateParameters&) const = default;
};

struct DeflateAgreement {
  DeflateParameters parameters;
  std::string answer;  // the value of the answer's Sec-WebSocket-Extensions
};

// Takes the first of the client's offers that can be kept (§5.1, §7.1). Nothing: the extension is declined.
[[nodiscard]] std::optional<DeflateAgreement> negotiate_deflate(std::span<const ExtensionOffer> offers,
                                                                const DeflatePolicy& policy);

}  // namespace wsd::protocol
