#include "worker/connection_id.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

TEST(ConnectionIdTest, IsSlotIncarnationAndCounter) {
  EXPECT_EQ(id_base(2, 3) | 7, 0x0200003000000007U);
  EXPECT_EQ(id_base(255, 0xFFFFF), 0xFFFFFFF000000000U);
  EXPECT_EQ(slot_of(0xFF00000000000001), 255);
  EXPECT_EQ(slot_of(7), 0);
}

TEST(ConnectionIdTest, AnIncarnationThatOutgrowsItsBitsLeavesTheSlotAlone) {
  EXPECT_EQ(id_base(2, 0x100001), id_base(2, 1));
}

TEST(ConnectionIdTest, TheIdsOfASlotLieTogether) {
  for (unsigned slot = 0; slot < 256; ++slot) {
    EXPECT_EQ(slot_of(first_id_of(slot)), slot);
    EXPECT_LE(first_id_of(slot), id_base(static_cast<std::uint16_t>(slot), 1) | 1);
    EXPECT_GT(first_id_of(slot + 1), id_base(static_cast<std::uint16_t>(slot), 0xFFFFE) | 0xFFFFFFFFF);
  }
}

}  // namespace
}  // namespace wsd::worker
