#include "protocol/base64.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

using std::string_literals::operator""s;

// RFC 4648 §10.
TEST(Base64, DecodesTheVectorsOfTheRfc) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYg=="), "foob");
  EXPECT_EQ(decode_base64("Zm9vYmE="), "fooba");
  EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
}

TEST(Base64, DecodesEveryByte) {
  EXPECT_EQ(decode_base64("AP+A/gECAw=="), "\x00\xFF\x80\xFE\x01\x02\x03"s);
  EXPECT_EQ(decode_base64("+/+/"), "\xFB\xFF\xBF");
}

TEST(Base64, RefusesWhatEncodingWouldNotHaveMade) {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zm8", "Zm9vZ", "Zm9vYg="}) EXPECT_FALSE(decode_base64(text)) << text;
  for (const auto* text : {"====", "Z===", "=Zg=", "Zg==Zg==", "Z=g=", "Zm9v===="}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
  for (const auto* text : {"Zm9 ", "Zm9\n", "Zm9-", "Zm9_", "Zm9.", " m9v"}) EXPECT_FALSE(decode_base64(text)) << text;
  EXPECT_FALSE(decode_base64("Zm\0v"s));
  EXPECT_FALSE(decode_base64("Zm9\xC3"));
}

TEST(Base64, RefusesSpareBitsThatAreNotZero) {
  EXPECT_FALSE(decode_base64("Zh=="));
  EXPECT_FALSE(decode_base64("Zm9="));
}

TEST(Base64, CutAnywhereIsNotTheSame) {
  const std::string_view text = "Zm9vYmE=";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(decode_base64(text.substr(0, size)).has_value(), size % 4 == 0) << size;
  }
}

}  // namespace
}  // namespace wsd::protocol
