// Masking (RFC 6455 §5.3). Its own inverse, in place.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/frame.h"

namespace wsd::protocol {

// Whether the bytes that came out are ASCII, all of them: seen on the way, so that most text need not be looked at
// twice.
enum class Ascii : bool { no, yes };

// `phase`: how many payload bytes of the same frame came before these. With the widest vectors that this processor has.
Ascii unmask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase);

// What unmask() chooses from; the tests take each.
enum class MaskCode : std::uint8_t { portable, avx2 };
[[nodiscard]] bool is_supported(MaskCode code);
// `code` is supported.
Ascii unmask_with(MaskCode code, std::span<std::byte> bytes, MaskingKey key, std::size_t phase);

}  // namespace wsd::protocol
