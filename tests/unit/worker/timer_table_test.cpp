#include "worker/timer_table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/unit/worker/support/fake_worker.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;

// Members go in reverse: the timers before the loop, which asserts that it could close.
class TimerTableTest : public testing::Test {
 protected:
  // Until nothing is left to wait for, or a callback stops the loop.
  void run() { loop_.run(); }
  static void stay_busy(std::chrono::nanoseconds duration) {
    const std::uint64_t begin = uv_hrtime();
    while (uv_hrtime() - begin < static_cast<std::uint64_t>(duration.count())) {
    }
  }
  void count_to(int limit, int& calls) {
    if (++calls == limit) timers_.cancel_all();
  }

  Loop loop_;
  test::FakeAppHost app_{App{}};
  TimerTable timers_{loop_, app_};
};

TEST_F(TimerTableTest, AfterCallsOnce) {
  int calls = 0;
  timers_.after(1ms, [&calls] { ++calls; });
  run();
  EXPECT_EQ(calls, 1);
}

// The loop's clock counts whole milliseconds: one of them is all that a call may be early.
TEST_F(TimerTableTest, AfterIsNotEarly) {
  const std::uint64_t before = uv_hrtime();
  std::uint64_t called = 0;
  timers_.after(5ms, [&called] { called = uv_hrtime(); });
  run();
  EXPECT_GE(called - before, 4'000'000U);
}

TEST_F(TimerTableTest, AfterIsNotEarlyWhenItIsAskedForByACallbackThatTookLong) {
  std::uint64_t asked = 0;
  std::uint64_t called = 0;
  timers_.after(1ms, [&] {
    stay_busy(20ms);
    asked = uv_hrtime();
    timers_.after(10ms, [&called] { called = uv_hrtime(); });
  });
  run();
  EXPECT_GE(called - asked, 9'000'000U);
}

TEST_F(TimerTableTest, EveryCallsUntilItIsCancelled) {
  int calls = 0;
  timers_.every(1ms, [&] { count_to(5, calls); });
  run();
  EXPECT_EQ(calls, 5);
}

// Were each interval counted from the end of the call before, the fifth call would be due after 28 ms at the earliest,
// and always behind a timer of 25 ms. A machine that is busy elsewhere may delay one attempt, but not fifty.
TEST_F(TimerTableTest, EveryDoesNotDriftHoweverLongItsCallsTake) {
  bool in_time = false;
  for (int attempt = 0; attempt < 50 && !in_time; ++attempt) {
    int calls = 0;
    timers_.every(4ms, [&calls] {
      ++calls;
      stay_busy(2ms);
    });
    timers_.after(25ms, [&] {
      in_time = calls >= 5;
      timers_.cancel_all();
    });
    run();
  }
  EXPECT_TRUE(in_time);
}

TEST_F(TimerTableTest, CallsThatABusyLoopMissedAreSkipped) {
  int calls = 0;
  std::uint64_t end_of_business = 0;
  timers_.every(2ms, [&] {
    if (calls == 0) {
      stay_busy(20ms);
      end_of_business = uv_hrtime();
    }
    count_to(4, calls);
  });
  run();
  // Ten were missed. Made up for, the next three would follow at once; skipped, they take their intervals.
  EXPECT_GE(uv_hrtime() - end_of_business, 3'000'000U);
}

TEST_F(TimerTableTest, NoIntervalIsAMillisecondAndNotABusyLoop) {
  const std::uint64_t before = uv_hrtime();
  int calls = 0;
  timers_.every(0ms, [&] { count_to(5, calls); });
  run();
  EXPECT_GE(uv_hrtime() - before, 4'000'000U);
}

TEST_F(TimerTableTest, ANegativeDelayIsAShortOne) {
  int calls = 0;
  timers_.after(-5s, [&calls] { ++calls; });
  run();
  EXPECT_EQ(calls, 1);
}

TEST_F(TimerTableTest, TheSoonerComesFirst) {
  std::vector<int> order;
  timers_.after(6ms, [&order] { order.push_back(2); });
  timers_.after(2ms, [&order] { order.push_back(1); });
  timers_.after(10ms, [&order] { order.push_back(3); });
  run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_F(TimerTableTest, ACancelledOneIsNotCalled) {
  int calls = 0;
  const TimerId once = timers_.after(1ms, [&calls] { ++calls; });
  const TimerId often = timers_.every(1ms, [&calls] { ++calls; });
  EXPECT_NE(once, often);
  timers_.cancel(once);
  timers_.cancel(often);
  timers_.cancel(often);
  timers_.cancel(12345);
  run();
  EXPECT_EQ(calls, 0);
}

TEST_F(TimerTableTest, ACallbackMayCancelItselfAndGoOn) {
  auto token = std::make_shared<int>(0);
  TimerId timer = 0;
  timer = timers_.every(1ms, [this, token, &timer] {
    timers_.cancel(timer);
    ++*token;  // what it captured is still there
  });
  run();
  EXPECT_EQ(*token, 1);
  EXPECT_EQ(token.use_count(), 1) << "a cancelled timer lets go of what it captured";
}

TEST_F(TimerTableTest, AOnceTimerMayCancelItself) {
  int calls = 0;
  TimerId timer = 0;
  timer = timers_.after(1ms, [&] {
    timers_.cancel(timer);
    ++calls;
  });
  run();
  EXPECT_EQ(calls, 1);
}

TEST_F(TimerTableTest, ACallbackMayCancelAnotherThatIsDueInTheSameTurn) {
  std::vector<int> called;
  std::vector<TimerId> ids(2);
  for (std::size_t i = 0; i < 2; ++i) {
    ids[i] = timers_.after(1ms, [&, i] {
      called.push_back(static_cast<int>(i));
      timers_.cancel(ids[1 - i]);
    });
  }
  stay_busy(5ms);
  run();
  EXPECT_EQ(called.size(), 1U);
}

TEST_F(TimerTableTest, ACallbackMayStartOthers) {
  std::vector<int> order;
  timers_.after(1ms, [&] {
    order.push_back(1);
    for (int i = 0; i < 100; ++i) timers_.cancel(timers_.after(1ms, [&order] { order.push_back(-1); }));
    timers_.after(1ms, [&order] { order.push_back(2); });
  });
  run();
  EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST_F(TimerTableTest, OneThatThrowsIsCalledAgain) {
  int calls = 0;
  timers_.every(1ms, [&] {
    count_to(3, calls);
    throw std::runtime_error("a mistake of the application");
  });
  run();
  EXPECT_EQ(calls, 3);
}

TEST_F(TimerTableTest, TimersThatAreLeftGoWithTheTable) {
  timers_.every(1h, [] {});
  timers_.after(1h, [] {});
}

}  // namespace
}  // namespace wsd::worker
