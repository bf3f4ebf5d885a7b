#include "worker/home_slot.h"

#include "protocol/assertion.h"

namespace wsd::worker {

namespace {

// FNV-1a, 64 bits: the standard library's hash may change with the library.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char character : text) {
    hash ^= static_cast<unsigned char>(character);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace

std::uint16_t home_slot(std::string_view channel, std::uint32_t homes) {
  WSD_ASSERT(homes > 0);
  std::uint64_t key = hash_of(channel);
  std::int64_t slot = -1;
  for (std::int64_t next = 0; next < homes;) {
    slot = next;
    key = key * 2862933555777941757ULL + 1;
    next = static_cast<std::int64_t>(static_cast<double>(slot + 1) * (static_cast<double>(std::int64_t{1} << 31) /
                                                                      static_cast<double>((key >> 33) + 1)));
  }
  return static_cast<std::uint16_t>(slot);
}

}  // namespace wsd::worker
