#include "master/terminal_screen.h"

#include <gtest/gtest.h>

namespace wsd::master {
namespace {

TEST(TerminalScreen, LeavesOutWhatDoesNotFit) {
  EXPECT_EQ(fitted("abcdef\nab\nthird\n", 4, 2), "abcd\x1b[K\r\nab\x1b[K");
  EXPECT_EQ(fitted("", 4, 2), "");
  EXPECT_EQ(fitted("no newline", 80, 2), "no newline\x1b[K");
}

TEST(TerminalScreen, CutsBetweenCharacters) {
  EXPECT_EQ(fitted("äöü", 2, 1), "äö\x1b[K");
}

}  // namespace
}  // namespace wsd::master
