// Masking (RFC 6455 §5.3). Its own inverse, in place.

#pragma once

#include <cstddef>
#include <span>

#include "protocol/frame.h"

namespace wsd::protocol {

// `phase`: how many payload bytes of the same frame came before these.
void unmask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase);

}  // namespace wsd::protocol
