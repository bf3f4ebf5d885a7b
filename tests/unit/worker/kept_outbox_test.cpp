#include "worker/kept_outbox.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::worker {
namespace {

KeptPublication publication(std::uint64_t number, std::string_view channel, std::string_view data = "data") {
  return {number, {channel, data, MessageType::text, 7, {}}, 0};
}

std::vector<std::uint64_t> numbers(const KeptOutbox& outbox) {
  std::vector<std::uint64_t> all;
  for (const KeptPublication& one : outbox) all.push_back(one.number);
  return all;
}

using Numbers = std::vector<std::uint64_t>;

TEST(KeptOutbox, KeepsWhatIsNotAcknowledged) {
  KeptOutbox outbox;
  EXPECT_TRUE(outbox.empty());
  for (std::uint64_t number = 1; number <= 4; ++number) outbox.add(publication(number, "a"));
  outbox.acknowledge(2);
  EXPECT_EQ(numbers(outbox), (Numbers{3, 4}));
  outbox.acknowledge(2);
  outbox.acknowledge(9);
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.bytes(), 0U);
}

TEST(KeptOutbox, GivesBackOneThatIsToGoElsewhere) {
  KeptOutbox outbox;
  outbox.add(publication(1, "a"));
  outbox.add(publication(2, "b"));
  outbox.add(publication(3, "a"));
  EXPECT_TRUE(outbox.holds("b"));
  const auto taken = outbox.take(2);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->channel, "b");
  EXPECT_EQ(taken->data, "data");
  EXPECT_EQ(taken->publisher, 7U);
  EXPECT_FALSE(outbox.take(2));
  EXPECT_FALSE(outbox.holds("b"));
  EXPECT_TRUE(outbox.holds("a"));
  EXPECT_EQ(numbers(outbox), (Numbers{1, 3}));
}

TEST(KeptOutbox, KnowsItsBytesInEveryOrderOfComingAndGoing) {
  KeptOutbox outbox;
  std::size_t expected = 0;
  for (std::uint64_t number = 1; number <= 9; ++number) {
    const auto one = publication(number, "channel", std::string(number * 100, 'x'));
    expected += one.size();
    EXPECT_GT(one.size(), number * 100);
    outbox.add(one);
  }
  EXPECT_EQ(outbox.bytes(), expected);
  expected -= outbox.take(5)->size();
  EXPECT_EQ(outbox.bytes(), expected);
  outbox.acknowledge(9);
  EXPECT_EQ(outbox.bytes(), 0U);
}

}  // namespace
}  // namespace wsd::worker
