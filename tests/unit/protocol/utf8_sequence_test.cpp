#include "protocol/utf8_sequence.h"

#include <gtest/gtest.h>

#include <string_view>

namespace wsd::protocol {
namespace {

TEST(Utf8Sequence, MeasuresTheFirstCharacterAlone) {
  EXPECT_EQ(utf8_sequence_length("ab"), 1U);
  EXPECT_EQ(utf8_sequence_length("\x7F"), 1U);
  EXPECT_EQ(utf8_sequence_length("üb"), 2U);
  EXPECT_EQ(utf8_sequence_length("你好"), 3U);
  EXPECT_EQ(utf8_sequence_length("😀😀"), 4U);
  EXPECT_EQ(utf8_sequence_length("\xF4\x8F\xBF\xBF"), 4U);  // U+10FFFF
}

TEST(Utf8Sequence, IsZeroForWhatIsNoCharacter) {
  EXPECT_EQ(utf8_sequence_length(""), 0U);
  EXPECT_EQ(utf8_sequence_length("\x80"), 0U);
  EXPECT_EQ(utf8_sequence_length("\xFF"), 0U);
  EXPECT_EQ(utf8_sequence_length("\xC0\xAF"), 0U);          // overlong
  EXPECT_EQ(utf8_sequence_length("\xE0\x80\xAF"), 0U);      // overlong
  EXPECT_EQ(utf8_sequence_length("\xF0\x8F\xBF\xBF"), 0U);  // overlong
  EXPECT_EQ(utf8_sequence_length("\xED\xA0\x80"), 0U);      // a surrogate
  EXPECT_EQ(utf8_sequence_length("\xF4\x90\x80\x80"), 0U);  // above U+10FFFF
}

TEST(Utf8Sequence, IsZeroForACharacterCutAtAnyByte) {
  for (const std::string_view whole : {"ü", "你", "😀"}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(utf8_sequence_length(whole.substr(0, size)), 0U) << whole << " cut after byte " << size;
    }
  }
}

}  // namespace
}  // namespace wsd::protocol
