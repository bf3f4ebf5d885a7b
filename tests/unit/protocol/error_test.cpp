#include "protocol/error.h"

#include <gtest/gtest.h>

#include <set>

#include "protocol/close_code.h"

namespace wsd::protocol {
namespace {

constexpr auto last = ProtocolError::invalid_close_reason;

TEST(ProtocolError, EveryViolationHasACloseCodeThatMayBeSentAndASentenceThatFitsACloseFrame) {
  std::set<std::string_view> sentences;
  for (int i = 1; i <= static_cast<int>(last); ++i) {
    const auto error = static_cast<ProtocolError>(i);
    EXPECT_TRUE(may_be_sent_by_peer(close_code_for(error)));
    EXPECT_NE(to_string(error), "unknown error");
    EXPECT_LE(to_string(error).size(), max_close_reason);
    EXPECT_TRUE(sentences.insert(to_string(error)).second) << to_string(error);
  }
}

TEST(ProtocolError, InvalidTextIs1007AndALargeMessage1009AndTheRest1002) {
  EXPECT_EQ(close_code_for(ProtocolError::invalid_utf8), 1007);
  EXPECT_EQ(close_code_for(ProtocolError::invalid_close_reason), 1007);
  EXPECT_EQ(close_code_for(ProtocolError::message_too_big), 1009);
  EXPECT_EQ(close_code_for(ProtocolError::reserved_bits_set), 1002);
  EXPECT_EQ(close_code_for(ProtocolError::payload_length_too_large), 1002);
  EXPECT_EQ(close_code_for(ProtocolError::invalid_close_code), 1002);
}

TEST(ProtocolErrorDeathTest, NoErrorHasNoCloseCode) {
  EXPECT_DEATH(static_cast<void>(close_code_for(ProtocolError::none)),
               "assertion failed: error != ProtocolError::none");
}

}  // namespace
}  // namespace wsd::protocol
