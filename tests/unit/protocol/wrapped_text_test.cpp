#include "protocol/wrapped_text.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

TEST(Wrapped, BreaksAtSpacesBeforeALineIsTooLong) {
  EXPECT_EQ(wrapped("one two three", 7), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 6), "one\ntwo\nthree");
  EXPECT_EQ(wrapped("one two three", 13), "one two three");
}

TEST(Wrapped, GivesALongWordALineOfItsOwn) {
  EXPECT_EQ(wrapped("see https://example.org now", 5), "see\nhttps://example.org\nnow");
  EXPECT_EQ(wrapped("unbreakable", 3), "unbreakable");
}

TEST(Wrapped, KeepsLineEnds) {
  EXPECT_EQ(wrapped("a b\n\nc d\n", 3), "a b\n\nc d\n");
  EXPECT_EQ(wrapped("a b c\nd", 3), "a b\nc\nd");
}

TEST(Wrapped, HasOneSpaceBetweenWords) {
  EXPECT_EQ(wrapped(" a  b ", 10), "a b");
  EXPECT_EQ(wrapped("", 10), "");
}

}  // namespace
}  // namespace wsd::protocol
