// SipHash-2-4 (Aumasson and Bernstein): a hash of few bytes whose collisions nobody can choose without its key.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace wsd::worker {

using SipKey = std::array<std::uint64_t, 2>;

[[nodiscard]] std::uint64_t sip_hash(const SipKey& key, std::span<const std::byte> bytes);

}  // namespace wsd::worker
