#include "worker/freed_memory.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

TEST(FreedMemoryTest, IsGivenBackOnceThereIsEnoughOfIt) {
  FreedMemory freed;
  EXPECT_FALSE(freed.take_due(5));
  freed.add(FreedMemory::worth_while - 1);
  EXPECT_FALSE(freed.take_due(6));
  freed.add(1);
  EXPECT_TRUE(freed.take_due(7));
  EXPECT_FALSE(freed.take_due(100'000));
}

TEST(FreedMemoryTest, IsNotGivenBackAgainAtOnce) {
  FreedMemory freed;
  freed.add(FreedMemory::worth_while);
  ASSERT_TRUE(freed.take_due(7));
  freed.add(10 * FreedMemory::worth_while);
  EXPECT_FALSE(freed.take_due(7 + FreedMemory::pause_ms - 1));
  EXPECT_TRUE(freed.take_due(7 + FreedMemory::pause_ms));
}

}  // namespace
}  // namespace wsd::worker
