#include "worker/api_token.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::worker {
namespace {

TEST(ApiToken, MatchesItselfAlone) {
  const ApiToken token("s3cret");
  EXPECT_TRUE(token.is_set());
  EXPECT_TRUE(token.matches("s3cret"));
  for (const auto* guess : {"", "s", "s3cre", "s3creT", "S3cret", "s3cret ", "s3crets", "s3crets3cret"}) {
    EXPECT_FALSE(token.matches(guess)) << guess;
  }
}

TEST(ApiToken, KnowsPaddingFromZeros) {
  const ApiToken token("s3cret");
  EXPECT_FALSE(token.matches(std::string("s3cret\0", 7)));
  EXPECT_FALSE(ApiToken(std::string("s3cret\0", 7)).matches("s3cret"));
}

TEST(ApiToken, ThatIsNotSetMatchesNothing) {
  const ApiToken none("");
  EXPECT_FALSE(none.is_set());
  EXPECT_FALSE(none.matches(""));
  EXPECT_FALSE(none.matches("x"));
}

TEST(ApiToken, ComparesUpToItsLargestAndBeyond) {
  const std::string largest(ApiToken::max_size, 'x');
  const ApiToken token(largest);
  EXPECT_TRUE(token.matches(largest));
  EXPECT_FALSE(token.matches(largest + "x"));
  EXPECT_FALSE(token.matches(largest.substr(1)));
  EXPECT_FALSE(token.matches(std::string(100'000, 'x')));
}

TEST(ApiTokenDeathTest, DiesOfOneTooLarge) {
  EXPECT_DEATH((void)ApiToken(std::string(ApiToken::max_size + 1, 'x')), "");
}

}  // namespace
}  // namespace wsd::worker
