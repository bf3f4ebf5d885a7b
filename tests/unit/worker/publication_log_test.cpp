#include "worker/publication_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using test::text_of;

class PublicationLogTest : public testing::Test {
 protected:
  void add(std::string_view text, std::vector<ConnectionId> excluded = {}) {
    log_.add({.channel = "all", .data = text, .type = MessageType::text, .publisher = 0, .excluded = excluded});
  }
  std::string run(std::uint64_t number) { return text_of(log_.run_from(number).frames.bytes()); }

  PublicationLog log_;
};

TEST_F(PublicationLogTest, ARunOfOneIsItsFrame) {
  add("one");
  EXPECT_EQ(log_.run_from(0).frames.bytes().data(), log_.at(0).message.plain().bytes().data());
  EXPECT_EQ(log_.run_from(0).end, 1U);
}

TEST_F(PublicationLogTest, ARunIsWhatComesFromThereOn) {
  add("one");
  add("two");
  EXPECT_EQ(run(1), "\x81\x03two");
  EXPECT_EQ(run(0), "\x81\x03one\x81\x03two");
  add("three");
  EXPECT_EQ(run(0), "\x81\x03one\x81\x03two\x81\x05three");
  EXPECT_EQ(run(1), "\x81\x03two\x81\x05three");
  log_.forget_until(2);
  EXPECT_EQ(run(2), "\x81\x05three");
  log_.forget_until(3);
  add("four");
  EXPECT_EQ(run(3),
            "\x81\x04"
            "four");
}

TEST_F(PublicationLogTest, ARunIsMadeOnceForThoseWhoAreAsFar) {
  add("one");
  add("two");
  const std::byte* const bytes = log_.run_from(0).frames.bytes().data();
  EXPECT_EQ(log_.run_from(0).frames.bytes().data(), bytes);
}

TEST_F(PublicationLogTest, ARunIsNotForThoseWhomAnyOfItIsNotFor) {
  add("one", {1, 2});
  add("two", {3});
  EXPECT_TRUE(log_.run_from(1).is_for(1));
  EXPECT_FALSE(log_.run_from(1).is_for(3));
  EXPECT_FALSE(log_.run_from(0).is_for(1));
  EXPECT_FALSE(log_.run_from(0).is_for(2));
  EXPECT_FALSE(log_.run_from(0).is_for(3));
  EXPECT_TRUE(log_.run_from(0).is_for(4));
}

}  // namespace
}  // namespace wsd::worker
