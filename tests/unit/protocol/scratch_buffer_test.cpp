#include "protocol/scratch_buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace wsd::protocol {
namespace {

void write(ScratchBuffer& buffer, std::string_view text) {
  while (!text.empty()) {
    const auto room = buffer.room(text.size());
    std::memcpy(room.data(), text.data(), room.size());
    buffer.take(room.size());
    text.remove_prefix(room.size());
  }
}

std::string text_of(const ScratchBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.bytes().data()), buffer.size()};
}

TEST(ScratchBuffer, KeepsWhatIsWrittenWhileItGrows) {
  ScratchBuffer buffer;
  EXPECT_TRUE(buffer.bytes().empty());
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    write(buffer, "message " + std::to_string(i));
    expected += "message " + std::to_string(i);
  }
  EXPECT_EQ(text_of(buffer), expected);
}

TEST(ScratchBuffer, GivesNoMoreRoomThanIsAskedFor) {
  ScratchBuffer buffer;
  EXPECT_EQ(buffer.room(7).size(), 7U);
  write(buffer, std::string(16 * 1024, 'x'));
  EXPECT_EQ(buffer.room(1).size(), 1U);
  EXPECT_LE(buffer.capacity(), 16U * 1024 + 1);
}

TEST(ScratchBuffer, KeepsAUsualMessagesRoomAndGivesALargeOnesBack) {
  ScratchBuffer buffer;
  write(buffer, "small");
  buffer.clear();
  EXPECT_GT(buffer.capacity(), 0U);
  EXPECT_EQ(buffer.size(), 0U);
  write(buffer, std::string(1'000'000, 'x'));
  EXPECT_LE(buffer.capacity(), 2'000'000U);
  buffer.clear();
  EXPECT_EQ(buffer.capacity(), 0U);
  write(buffer, "again");
  EXPECT_EQ(text_of(buffer), "again");
}

}  // namespace
}  // namespace wsd::protocol
