#include "protocol/accept_key.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::protocol {
namespace {

std::string accept_for(std::string_view key) {
  const AcceptKey accept = accept_key(key);
  return {accept.data(), accept.size()};
}

TEST(AcceptKey, AnswersTheExampleOfTheRfc) {
  EXPECT_EQ(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(AcceptKey, AnswersTheExampleOfChromium) {
  EXPECT_EQ(accept_for("x3JJHMbDL1EzLkh9GBhXDw=="), "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}

TEST(AcceptKey, AKeyIsTheBase64OfSixteenBytes) {
  EXPECT_TRUE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_TRUE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAA=="));
  EXPECT_TRUE(is_valid_key("+/+/+/+/+/+/+/+/+/+/+w=="));
}

TEST(AcceptKey, RefusesOtherLengthsAndAlphabets) {
  EXPECT_FALSE(is_valid_key(""));
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ"));        // no padding
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ="));       // half of it
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZWU="));      // 17 bytes
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZWUh"));      // 18 bytes
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25j"));          // 15 bytes
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ==AAAA"));  // more behind the padding
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZ-=="));      // base64url
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub2 jZQ=="));
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25j=Q=="));
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZ==="));
}

}  // namespace
}  // namespace wsd::protocol
