#include "worker/shared_frame.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using test::text_of;

TEST(SharedFrame, HoldsTheFrameAsItGoesOnTheWire) {
  EXPECT_EQ(text_of(SharedFrame(MessageType::text, "hello").bytes()), "\x81\x05hello");
  EXPECT_EQ(text_of(SharedFrame(MessageType::binary, "").bytes()), std::string("\x82\x00", 2));
  EXPECT_EQ(text_of(SharedFrame(MessageType::binary, std::string(126, 'x')).bytes()),
            std::string("\x82\x7e\x00\x7e", 4) + std::string(126, 'x'));
  EXPECT_EQ(text_of(SharedFrame(MessageType::text, std::string(65'536, 'x')).bytes()).substr(0, 11),
            std::string("\x81\x7f\0\0\0\0\0\1\0\0x", 11));
}

TEST(SharedFrame, NoneIsEmpty) {
  const SharedFrame none;
  EXPECT_FALSE(none);
  EXPECT_TRUE(none.bytes().empty());
  EXPECT_EQ(none.size(), 0U);
}

TEST(SharedFrame, MayBeSeveralTogether) {
  const std::string frames = "\x81\x03one\x81\x03two";
  const SharedFrame together(test::bytes_of(frames));
  EXPECT_EQ(text_of(together.bytes()), frames);
  EXPECT_NE(static_cast<const void*>(together.bytes().data()), frames.data());
}

TEST(SharedFrame, CopiesAreTheSameBytesAndOutliveTheFirst) {
  std::optional<SharedFrame> first(std::in_place, MessageType::text, "hello");
  const std::byte* const bytes = first->bytes().data();
  std::vector<SharedFrame> copies(10, *first);
  first.reset();
  for (const SharedFrame& copy : copies) EXPECT_EQ(copy.bytes().data(), bytes);
  EXPECT_EQ(text_of(copies.back().bytes()), "\x81\x05hello");
  copies.resize(1);
  EXPECT_EQ(text_of(copies.back().bytes()), "\x81\x05hello");
}

TEST(SharedFrame, CanBeMovedAndReplaced) {
  SharedFrame one(MessageType::text, "one");
  SharedFrame other(MessageType::text, "other");
  one = other;
  EXPECT_EQ(one.bytes().data(), other.bytes().data());
  one = *&one;
  const SharedFrame moved = std::move(one);
  EXPECT_EQ(text_of(moved.bytes()), "\x81\x05other");
  other = SharedFrame();
  EXPECT_EQ(moved.size(), 7U);
}

}  // namespace
}  // namespace wsd::worker
