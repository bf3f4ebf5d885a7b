#include "worker/sip_hash.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace wsd::worker {
namespace {

// The key and the texts of the authors' own vectors: bytes that count up from zero.
constexpr SipKey key{0x0706050403020100U, 0x0F0E0D0C0B0A0908U};

std::uint64_t hash_of_first(std::size_t size) {
  std::array<std::byte, 64> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  return sip_hash(key, std::span(bytes).first(size));
}

TEST(SipHash, IsWhatItsAuthorsSay) {
  EXPECT_EQ(hash_of_first(0), 0x726FDB47DD0E0E31U);
  EXPECT_EQ(hash_of_first(1), 0x74F839C593DC67FDU);
  EXPECT_EQ(hash_of_first(7), 0xAB0200F58B01D137U);
  EXPECT_EQ(hash_of_first(8), 0x93F5F5799A932462U);
  EXPECT_EQ(hash_of_first(15), 0xA129CA6149BE45E5U);
}

TEST(SipHash, DependsOnItsKey) {
  EXPECT_NE(sip_hash({1, 2}, {}), sip_hash({1, 3}, {}));
  EXPECT_NE(sip_hash({1, 2}, {}), sip_hash({2, 2}, {}));
}

}  // namespace
}  // namespace wsd::worker
