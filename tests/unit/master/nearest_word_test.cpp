#include "master/nearest_word.h"

#include <gtest/gtest.h>

#include <vector>

namespace wsd::master {
namespace {

const std::vector<std::string> commands{"start", "stop", "restart", "reload", "status", "version"};

TEST(NearestWord, IsTheFewestMistakesAway) {
  EXPECT_EQ(nearest_word("strat", commands), "start");
  EXPECT_EQ(nearest_word("sotp", commands), "stop");
  EXPECT_EQ(nearest_word("relaod", commands), "reload");
  EXPECT_EQ(nearest_word("statsu", commands), "status");
  EXPECT_EQ(nearest_word("start", commands), "start");
}

TEST(NearestWord, IsNoneForWhatIsNoMistyping) {
  EXPECT_EQ(nearest_word("", commands), "");
  EXPECT_EQ(nearest_word("foo", commands), "");
  EXPECT_EQ(nearest_word("nonsense", commands), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 'x'), commands), "");
}

TEST(NearestWord, TwoLettersExchangedAreOneMistake) {
  const std::vector<std::string> words = {"start", "stop", "status"};
  EXPECT_EQ(nearest_word("stauts", words), "status");
  EXPECT_EQ(nearest_word("sotp", words), "stop");
}

TEST(NearestWord, IsEmptyWithoutCandidates) {
  EXPECT_EQ(nearest_word("start", {}), "");
}

}  // namespace
}  // namespace wsd::master
