#include "tests/wsbench/publication.h"

#include <gtest/gtest.h>

namespace wsd::bench {
namespace {

Time at(std::int64_t nanoseconds) {
  return Time(std::chrono::nanoseconds(nanoseconds));
}

class PublicationTest : public testing::Test {
 protected:
  std::string text_of(const Publication& publication) {
    std::string text;
    publications_.append(text, publication);
    EXPECT_EQ(text.size(), publication.size);
    return text;
  }

  Publications publications_{4096};
  const Publication usual_{.publisher = 3, .number = 1000, .sent_at = at(123'456'789), .size = 125};
};

TEST_F(PublicationTest, ComesOutAsItWentIn) {
  for (const std::size_t size : {32U, 33U, 58U, 125U, 4096U}) {
    for (const std::uint64_t number : {0UL, 1UL, 25UL, 26UL, 0xFFFFFFFFFFUL}) {
      const Publication publication{.publisher = 65535, .number = number, .sent_at = at(1L << 60), .size = size};
      const std::string text = text_of(publication) + "rest";
      std::string_view view = text;
      EXPECT_EQ(publications_.take(view), publication);
      EXPECT_EQ(view, "rest");
    }
  }
}

TEST_F(PublicationTest, IsTheSameAgainAndAgain) {
  const std::string text = text_of(usual_);
  for (int i = 0; i < 3; ++i) {
    std::string_view view = text;
    EXPECT_EQ(publications_.take(view), usual_);
    EXPECT_TRUE(view.empty());
  }
}

TEST_F(PublicationTest, IsJson) {
  EXPECT_EQ(text_of({.publisher = 1, .number = 2, .sent_at = at(255), .size = 36}),
            R"("0001000000000200000000000000ff)" + std::string("cdef\""));
}

TEST_F(PublicationTest, EveryDamageIsSeen) {
  const std::string right = text_of(usual_);
  std::string_view view = right;
  ASSERT_TRUE(publications_.take(view).has_value());
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x20);
    view = wrong;
    EXPECT_FALSE(publications_.take(view).has_value()) << i;
  }
  for (std::size_t size = 0; size < right.size(); ++size) {
    view = std::string_view(right).substr(0, size);
    EXPECT_FALSE(publications_.take(view).has_value()) << size;
    EXPECT_EQ(view.size(), size);
  }
}

TEST_F(PublicationTest, IsNothingElse) {
  for (const std::string& text : {std::string(""), std::string("\"\""), std::string("hello"), std::string(200, '"'),
                                  '"' + std::string(5000, '0') + '"'}) {
    std::string_view view = text;
    EXPECT_FALSE(publications_.take(view).has_value()) << text;
  }
}

}  // namespace
}  // namespace wsd::bench
