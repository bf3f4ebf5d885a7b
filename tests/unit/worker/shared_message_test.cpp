#include "worker/shared_message.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/support/zlib_oracle.h"
#include "tests/unit/worker/support/frames.h"
#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using test::Frame;
using wsd::test::chatter;
using wsd::test::noise;
using wsd::test::ZlibInflater;

Frame frame_of(const SharedFrame& frame) {
  return test::parse_frames(test::text_of(frame.bytes())).at(0);
}

class SharedMessageTest : public testing::Test {
 protected:
  DeflateLimits limits_{.enabled = true};
  Compression compression_{limits_};
};

TEST_F(SharedMessageTest, HasItsFrameAndItsPayload) {
  const SharedMessage message(MessageType::binary, chatter(1000));
  EXPECT_EQ(message.payload(), chatter(1000));
  EXPECT_EQ(frame_of(message.plain()), (Frame{0x82, chatter(1000)}));
  EXPECT_EQ(SharedMessage(MessageType::text, "").payload(), "");
}

TEST_F(SharedMessageTest, IsCompressedOncePerWindowSize) {
  SharedMessage message(MessageType::text, chatter(40'000));
  for (std::uint8_t bits = 9; bits <= 15; ++bits) {
    const SharedFrame& frame = message.compressed(bits, compression_);
    EXPECT_EQ(frame_of(frame).first_byte, 0xC1);
    EXPECT_TRUE(ZlibInflater(bits).message(frame_of(frame).payload) == chatter(40'000)) << int{bits};
    EXPECT_EQ(&message.compressed(bits, compression_), &frame);
  }
}

TEST_F(SharedMessageTest, IsPlainWhereCompressionIsNotWorthIt) {
  SharedMessage small(MessageType::text, chatter(255));
  EXPECT_EQ(&small.compressed(15, compression_), &small.plain());
  SharedMessage incompressible(MessageType::binary, noise(1000));
  EXPECT_EQ(&incompressible.compressed(15, compression_), &incompressible.plain());
  EXPECT_EQ(&incompressible.compressed(9, compression_), &incompressible.plain());
  limits_.enabled = false;
  SharedMessage off(MessageType::text, chatter(1000));
  EXPECT_EQ(&off.compressed(15, compression_), &off.plain());
}

}  // namespace
}  // namespace wsd::worker
