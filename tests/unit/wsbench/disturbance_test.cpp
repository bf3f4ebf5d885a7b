#include "tests/wsbench/disturbance.h"

#include <gtest/gtest.h>

#include "tests/unit/support/temporary_directory.h"
#include "tests/wsbench/gap_watch.h"

namespace wsd::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DisturbanceTest, RunsTheCommandWhenItIsTime) {
  testing_support::TemporaryDirectory directory;
  Counter since;
  const Time start = Clock::now();
  Disturbance disturbance("echo x >> " + directory.file("ran") + "; sleep 0.05; exit 3",
                          {start + milliseconds(50), start + milliseconds(60)}, since);
  while (testing_support::content_of(directory.file("ran")) != "x\nx\n" || disturbance.is_running()) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  const auto& executions = disturbance.finish();
  ASSERT_EQ(executions.size(), 2U);
  EXPECT_GE(executions[0].start, start + milliseconds(50));
  EXPECT_EQ(Time(std::chrono::nanoseconds(since.value())), executions[0].start);
  EXPECT_GE(executions[1].start, executions[0].start + milliseconds(50));
  for (const auto& execution : executions) {
    EXPECT_EQ(execution.status, 3);
    EXPECT_GE(execution.duration, milliseconds(50));
  }
}

void await_end(Disturbance& disturbance, const Counter& since) {
  while (since.value() == 0 || disturbance.is_running()) std::this_thread::sleep_for(milliseconds(1));
}

TEST(DisturbanceTest, SaysBySignal) {
  Counter since;
  Disturbance disturbance("kill -9 $$", {Clock::now()}, since);
  await_end(disturbance, since);
  EXPECT_EQ(disturbance.finish().at(0).status, 128 + 9);
}

TEST(DisturbanceTest, IsWaitedForAfterItWasStopped) {
  testing_support::TemporaryDirectory directory;
  Counter since;
  Disturbance disturbance("until [ -e " + directory.file("go") + " ]; do sleep 0.01; done; exit 4",
                          {Clock::now(), Clock::now()}, since);
  while (since.value() == 0) std::this_thread::sleep_for(milliseconds(1));
  disturbance.stop();
  EXPECT_TRUE(disturbance.is_running());
  testing_support::write_file(directory.file("go"), "");
  await_end(disturbance, since);
  const auto& executions = disturbance.finish();
  ASSERT_EQ(executions.size(), 1U);
  EXPECT_EQ(executions[0].status, 4);
  EXPECT_TRUE(executions[0].is_over);
}

TEST(DisturbanceTest, GivesUpOneThatDoesNotEnd) {
  Counter since;
  Disturbance disturbance("exec sleep 20 >/dev/null 2>&1", {Clock::now()}, since);
  while (since.value() == 0) std::this_thread::sleep_for(milliseconds(1));
  const Time start = Clock::now();
  const auto& executions = disturbance.finish();
  EXPECT_LT(Clock::now() - start, seconds(15));
  ASSERT_EQ(executions.size(), 1U);
  EXPECT_FALSE(executions[0].is_over);
}

TEST(DisturbanceTest, BeginsNoneWhenTheLoadIsOver) {
  Counter since;
  Disturbance disturbance("true", {Clock::now() + std::chrono::hours(1)}, since);
  EXPECT_TRUE(disturbance.finish().empty());
  EXPECT_EQ(since.value(), 0U);
}

TEST(DisturbanceTest, IsInTheMiddleOrNowAndThen) {
  const Time start = Clock::now();
  EXPECT_EQ(disturbance_times(start, seconds(10), seconds(0)), (std::vector<Time>{start + seconds(5)}));
  EXPECT_EQ(disturbance_times(start, seconds(10), seconds(4)),
            (std::vector<Time>{start + seconds(4), start + seconds(8)}));
  EXPECT_TRUE(disturbance_times(start, seconds(4), seconds(4)).empty());
}

TEST(GapWatchTest, KeepsTheLongestBeforeAndSince) {
  Counter since;
  Gaps gaps;
  GapWatch watch(2, since, gaps);
  const Time start = Clock::now();
  watch.look(0, start);  // not begun
  watch.begin(0, start);
  watch.begin(1, start);
  watch.look(0, start + milliseconds(30));
  watch.look(0, start + milliseconds(40));
  EXPECT_EQ(gaps.before, milliseconds(30));
  since.set(1);
  watch.look(0, start + milliseconds(90));
  EXPECT_EQ(gaps.since, milliseconds(50));
  watch.look_at_all(start + milliseconds(100));
  EXPECT_EQ(gaps.since, milliseconds(100));
  watch.end(1);
  watch.look_at_all(start + milliseconds(180));
  EXPECT_EQ(gaps.since, milliseconds(100));
  EXPECT_EQ(gaps.before, milliseconds(30));
}

}  // namespace
}  // namespace wsd::bench
