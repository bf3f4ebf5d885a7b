#include "worker/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace wsd::worker {
namespace {

using protocol::RecordReader;
using protocol::RecordWriter;
using testing::ElementsAre;
using testing::IsEmpty;

class QuestionsTest : public testing::Test {
 protected:
  Questions::Id ask(std::optional<std::size_t> expected) {
    const Questions::Id id = questions_.next_id();
    questions_.ask(
        id, expected, [this, id](const RecordReader&) { events_.push_back(std::to_string(id) + " answered"); },
        [this, id](bool partial) { events_.push_back(std::to_string(id) + (partial ? " partial" : " complete")); });
    return id;
  }
  void answer(Questions::Id id) {
    const RecordWriter record(1);
    questions_.answer(id, *RecordReader::parse(record.bytes()));
  }
  std::vector<std::string> heard() {
    while (questions_.has_complete()) questions_.finish_complete();
    return std::exchange(events_, {});
  }
  void wait_until_overdue() {
    const auto begin = std::chrono::steady_clock::now();
    loop_.run();  // ends with the last timer
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(400));
  }

  Loop loop_;
  Questions questions_{loop_, 40};
  std::vector<std::string> events_;
};

TEST_F(QuestionsTest, IsCompleteWithTheLastAnswerAndToldAtTheEndOfTheTurn) {
  const auto id = ask(2);
  EXPECT_EQ(id, 41U) << "ids begin behind the first";
  answer(id);
  EXPECT_FALSE(questions_.has_complete());
  answer(id);
  EXPECT_TRUE(questions_.has_complete());
  EXPECT_THAT(events_, ElementsAre("41 answered", "41 answered"));
  EXPECT_THAT(heard(), ElementsAre("41 answered", "41 answered", "41 complete"));
  answer(id);
  EXPECT_THAT(heard(), IsEmpty()) << "too many";
}

TEST_F(QuestionsTest, ThatNobodyWillAnswerIsCompleteAtOnceButNotWithinTheCall) {
  ask(0);
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_THAT(heard(), ElementsAre("41 complete"));
}

TEST_F(QuestionsTest, HowManyAnswersThereAreMayBeKnownBeforeOrAfterThem) {
  const auto before = ask(std::nullopt);
  questions_.expect(before, 1);
  answer(before);
  const auto after = ask(std::nullopt);
  answer(after);
  EXPECT_THAT(heard(), ElementsAre("41 answered", "42 answered", "41 complete"));
  questions_.expect(after, 1);
  EXPECT_THAT(heard(), ElementsAre("42 complete"));
  const auto none = ask(std::nullopt);
  questions_.expect(none, 0);
  questions_.expect(none, 0);
  EXPECT_THAT(heard(), ElementsAre("43 complete"));
  questions_.expect(none, 0);
  questions_.expect(77, 1);
  answer(77);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(QuestionsTest, WhatIsNotAnsweredInTimeEndsAsPartialAndLateAnswersAreIgnored) {
  const auto one = ask(2);
  const auto unknown = ask(std::nullopt);
  const auto quick = ask(1);
  answer(one);
  answer(quick);
  EXPECT_THAT(heard(), ElementsAre("41 answered", "43 answered", "43 complete"));
  wait_until_overdue();
  EXPECT_THAT(heard(), ElementsAre("41 partial", "42 partial"));
  answer(one);
  questions_.expect(unknown, 0);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(QuestionsTest, OneThatIsCompleteWhenItIsOverdueIsComplete) {
  const auto id = ask(1);
  answer(id);
  wait_until_overdue();
  EXPECT_THAT(heard(), ElementsAre("41 answered", "41 complete"));
}

TEST_F(QuestionsTest, AnAnswerMayAskTheNextQuestion) {
  int rounds = 0;
  std::function<void(bool)> next = [&](bool) {
    if (++rounds < 5)
      questions_.ask(
          questions_.next_id(), 0, [](const RecordReader&) {}, next);
  };
  questions_.ask(
      questions_.next_id(), 0, [](const RecordReader&) {}, next);
  heard();
  EXPECT_EQ(rounds, 5);
  std::function<void(bool)> late = [&](bool partial) {
    EXPECT_TRUE(partial);
    ask(0);
  };
  questions_.ask(
      questions_.next_id(), 1, [](const RecordReader&) {}, late);
  wait_until_overdue();
  EXPECT_THAT(heard(), ElementsAre("47 complete"));
}

}  // namespace
}  // namespace wsd::worker
