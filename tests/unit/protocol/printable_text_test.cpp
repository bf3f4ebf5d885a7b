#include "protocol/printable_text.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(printable("GET /chat?x=1 \\n \"q\""), "GET /chat?x=1 \\n \"q\"");
  EXPECT_EQ(printable("你好 ü 😀"), "你好 ü 😀");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\nb\rc\td\x1B[31m"), R"(a\nb\rc\td\e[31m)");
  EXPECT_EQ(printable(std::string_view("\0\a\x7F", 3)), R"(\x00\x07\x7f)");
  EXPECT_EQ(printable("\xC2\x9B"), R"(\xc2\x9b)");  // U+009B, which some terminals take for ESC [
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(printable("\x80\xFF"), R"(\x80\xff)");
  EXPECT_EQ(printable("\xC0\xAF"), R"(\xc0\xaf)");                  // overlong
  EXPECT_EQ(printable("\xE0\x80\xAF"), R"(\xe0\x80\xaf)");          // overlong
  EXPECT_EQ(printable("\xED\xA0\x80"), R"(\xed\xa0\x80)");          // a surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");  // above U+10FFFF
  EXPECT_EQ(printable("\xE4\xBD"), R"(\xe4\xbd)");                  // cut short
  EXPECT_EQ(printable("\xE4\xBDx"), R"(\xe4\xbdx)");
}

TEST(Printable, ChangesNothingTheSecondTime) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  const std::string once = printable(every_byte);
  EXPECT_EQ(printable(once), once);
  for (const char character : once) EXPECT_TRUE(character >= 0x20 && character < 0x7F) << static_cast<int>(character);
}

}  // namespace
}  // namespace wsd::protocol
