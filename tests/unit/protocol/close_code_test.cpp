#include "protocol/close_code.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::operator+;

Bytes close_frame(std::optional<std::uint16_t> code, std::string_view reason) {
  Bytes out(max_close_frame_size);
  out.resize(serialize_close(code, reason, out.data()));
  return out;
}

TEST(CloseCode, OnlyRegisteredAndApplicationCodesMayBeSent) {
  const std::set<int> allowed_below_3000 = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
  for (int code = 0; code <= 0xFFFF; ++code) {
    const bool allowed = allowed_below_3000.contains(code) || (code >= 3000 && code <= 4999);
    EXPECT_EQ(may_be_sent_by_peer(static_cast<std::uint16_t>(code)), allowed) << code;
  }
}

TEST(CloseCode, ACloseFrameWithoutCodeHasNoBody) {
  EXPECT_EQ(close_frame(std::nullopt, "ignored"), bytes({0x88, 0x00}));
}

TEST(CloseCode, ACloseFrameCarriesCodeAndReason) {
  EXPECT_EQ(close_frame(1000, ""), bytes({0x88, 0x02, 0x03, 0xE8}));
  EXPECT_EQ(close_frame(1001, "bye"), bytes({0x88, 0x05, 0x03, 0xE9, 'b', 'y', 'e'}));
}

TEST(CloseCode, AReasonThatFitsIsWholeAndALongerOneIsCut) {
  const std::string longest(123, 'x');
  EXPECT_EQ(close_frame(1000, longest), bytes({0x88, 0x7D, 0x03, 0xE8}) + bytes(longest));
  EXPECT_EQ(close_frame(1000, longest + "y"), close_frame(1000, longest));
}

TEST(CloseCode, AReasonIsCutBetweenCharacters) {
  const std::string filler(121, 'x');
  const Bytes head = bytes({0x88, 0x7B, 0x03, 0xE8});
  EXPECT_EQ(close_frame(1000, filler + "\xE4\xBD\xA0"), head + bytes(filler));
  EXPECT_EQ(close_frame(1000, filler + "\xF0\x9F\x98\x80"), head + bytes(filler));
  const std::string two_left = filler + "\xC3\xA9";
  EXPECT_EQ(close_frame(1000, two_left + "z"), bytes({0x88, 0x7D, 0x03, 0xE8}) + bytes(two_left));
}

TEST(CloseCode, AReasonThatIsNotUtf8IsLeftOut) {
  EXPECT_EQ(close_frame(1011, "\xFF"), bytes({0x88, 0x02, 0x03, 0xF3}));
}

TEST(CloseCodeDeathTest, RefusesToSendACodeThatMustNotBeSent) {
  EXPECT_DEATH(close_frame(1005, ""), "assertion failed: may_be_sent_by_peer");
}

}  // namespace
}  // namespace wsd::protocol
