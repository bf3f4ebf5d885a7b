#include "protocol/message_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;

TEST(MessageAssembler, JoinsWhatIsAppended) {
  MessageAssembler assembler;
  assembler.append(bytes("one "), 100);
  assembler.append({}, 100);
  assembler.append(bytes("message"), 100);
  EXPECT_EQ(test::text(assembler.bytes()), "one message");
  EXPECT_EQ(assembler.size(), 11U);
}

TEST(MessageAssembler, OwnsNoMemoryWhileEmpty) {
  MessageAssembler assembler;
  EXPECT_EQ(assembler.capacity(), 0U);
  assembler.append({}, 1000000);
  EXPECT_EQ(assembler.capacity(), 0U);
  assembler.append(bytes("x"), 1000000);
  EXPECT_GT(assembler.capacity(), 0U);
  assembler.release();
  EXPECT_EQ(assembler.capacity(), 0U);
  EXPECT_TRUE(assembler.empty());
}

TEST(MessageAssembler, ADeclaredSizeAllocatesNoMoreThanASmallConstant) {
  MessageAssembler assembler;
  assembler.append(bytes("x"), std::size_t{1} << 40);
  EXPECT_LE(assembler.capacity(), 512U);
}

TEST(MessageAssembler, NeverOwnsMoreThanTheFinalSize) {
  MessageAssembler assembler;
  const Bytes piece(100);
  for (int i = 0; i < 30; ++i) {
    assembler.append(piece, 3000);
    EXPECT_LE(assembler.capacity(), 3000U);
  }
  EXPECT_EQ(assembler.size(), 3000U);
}

TEST(MessageAssembler, OwnsAtMostEightTimesWhatHasArrived) {
  MessageAssembler assembler;
  for (std::size_t size = 1; size <= 100000; ++size) {
    assembler.append(bytes({0x61}), std::size_t{1} << 40);
    ASSERT_LE(assembler.capacity(), std::max<std::size_t>(8 * size, 512));
  }
}

TEST(MessageAssembler, TakesWhatWasWrittenIntoItsRoomWithoutMovingIt) {
  MessageAssembler assembler;
  EXPECT_TRUE(assembler.room(0, 0).empty());
  assembler.append(bytes("one "), 1000);
  const auto room = assembler.room(996, 1000);
  ASSERT_GE(room.size(), 7U);
  std::ranges::copy(bytes("message"), room.begin());
  assembler.append(room.first(7), 1000);
  EXPECT_EQ(test::text(assembler.bytes()), "one message");
  EXPECT_EQ(assembler.room(989, 1000).data(), room.data() + 7);
}

TEST(MessageAssembler, HasRoomForOneByteMoreUntilItsFinalSize) {
  MessageAssembler assembler;
  while (assembler.size() < 5000) {
    const auto room = assembler.room(5000 - assembler.size(), 5000);
    ASSERT_FALSE(room.empty());
    room[0] = static_cast<std::byte>(assembler.size());
    assembler.append(room.first(1), 5000);
    ASSERT_LE(assembler.capacity(), 5000U);
  }
  EXPECT_TRUE(assembler.room(0, 5000).empty());
  for (std::size_t i = 0; i < 5000; ++i) ASSERT_EQ(assembler.bytes()[i], static_cast<std::byte>(i));
}

TEST(MessageAssembler, MovesItsBytes) {
  MessageAssembler from;
  from.append(bytes("moved"), 100);
  const auto view = from.bytes();
  MessageAssembler to(std::move(from));
  EXPECT_EQ(to.bytes().data(), view.data());
  EXPECT_EQ(test::text(to.bytes()), "moved");
  EXPECT_TRUE(from.empty());
  from = std::move(to);
  EXPECT_EQ(test::text(from.bytes()), "moved");
}

TEST(MessageAssemblerDeathTest, RefusesMoreThanTheFinalSize) {
  MessageAssembler assembler;
  EXPECT_DEATH(assembler.append(bytes("four"), 3), "assertion failed: needed <= final_size");
}

}  // namespace
}  // namespace wsd::protocol
