#include "master/obituary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace wsd::master {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kNow{1h};
constexpr ExitStatus kSegfault{.code = 0, .signal = SIGSEGV};
constexpr ExitStatus kCannotStart{.code = 3, .signal = 0};

WorkerRecord worker_of_slot_two() {
  WorkerRecord worker;
  worker.slot = 2;
  worker.spawned_at = kNow - 10s;
  return worker;
}

WorkerRecord one_that_served(Duration time) {
  WorkerRecord worker = worker_of_slot_two();
  worker.ready_at = kNow - time;
  return worker;
}

TEST(ExitStatus, ReadsAsInTheStatus) {
  EXPECT_EQ(to_string({.code = 0, .signal = SIGKILL}), "killed by SIGKILL");
  EXPECT_EQ(to_string(kSegfault), "killed by SIGSEGV");
  EXPECT_EQ(to_string({.code = 0, .signal = SIGRTMIN + 6}), "killed by signal " + std::to_string(SIGRTMIN + 6));
  EXPECT_EQ(to_string({.code = 250, .signal = 0}), "exit 250");
}

TEST(Obituary, SaysHowAWorkerEndedAndHowLongItServed) {
  EXPECT_EQ(obituary(one_that_served(3200ms), {1, kSegfault, ""}, kNow),
            "worker of slot 2 was killed by SIGSEGV after 3.2 s");
  EXPECT_EQ(obituary(one_that_served(40min), {1, {.code = 7, .signal = 0}, ""}, kNow),
            "worker of slot 2 ended with exit 7 after 40 min");
}

TEST(Obituary, SaysThatThereWasNoMemory) {
  EXPECT_EQ(obituary(one_that_served(40min), {1, {.code = 4, .signal = 0}, ""}, kNow),
            "worker of slot 2 ran out of memory after 40 min");
  EXPECT_EQ(obituary(worker_of_slot_two(), {1, {.code = 4, .signal = 0}, ""}, kNow),
            "worker of slot 2 ran out of memory while starting");
}

TEST(Obituary, SaysThatItNeverServed) {
  EXPECT_EQ(obituary(worker_of_slot_two(), {1, kSegfault, ""}, kNow),
            "worker of slot 2 was killed by SIGSEGV while starting");
}

TEST(Obituary, SaysWhatHistoryIsLostAndWhatToDo) {
  EXPECT_EQ(what_is_lost(worker_of_slot_two(), {.messages = 120, .channels = 3}),
            "the history of 3 channels that the worker of slot 2 kept is lost (120 messages): who joins them is told "
            "(history_lost); what must not be missing has to be published again");
  EXPECT_THAT(what_is_lost(worker_of_slot_two(), {.messages = 1, .channels = 1}),
              testing::StartsWith("the history of 1 channel that the worker of slot 2 kept is lost (1 message): "));
}

TEST(Obituary, QuotesItsLastWords) {
  EXPECT_EQ(obituary(worker_of_slot_two(), {1, kCannotStart, "no database"}, kNow),
            "worker of slot 2 could not start: no database");
}

TEST(Obituary, IsTheReasonOfAFailedStartOnlyWhenThereAreNoLastWords) {
  const SupervisorSettings settings;
  EXPECT_EQ(reason_of_failed_start(worker_of_slot_two(), {1, kCannotStart, "no database"}, settings), "no database");
  EXPECT_EQ(reason_of_failed_start(worker_of_slot_two(), {1, kCannotStart, ""}, settings),
            "worker of slot 2 could not start, and did not say why");
}

TEST(Duration, ReadsAsAPersonWouldSayIt) {
  EXPECT_EQ(in_words(0ms), "0 ms");
  EXPECT_EQ(in_words(100ms), "100 ms");
  EXPECT_EQ(in_words(1600ms), "1.6 s");
  EXPECT_EQ(in_words(10s), "10 s");
  EXPECT_EQ(in_words(100s), "100 s");
  EXPECT_EQ(in_words(14min), "14 min");
  EXPECT_EQ(in_words(72h), "72 h");
}

TEST(UnplannedEnd, IsAnyThatNobodyAskedFor) {
  EXPECT_TRUE(is_unplanned(one_that_served(1s), {}));
  EXPECT_TRUE(is_unplanned(one_that_served(1s), kSegfault));
}

TEST(UnplannedEnd, IsACrashOnTheWayOutButNotOurKill) {
  WorkerRecord worker = one_that_served(1s);
  ASSERT_TRUE(worker.departure.advance_to(Departure::Step::leaving, kNow, {}));
  EXPECT_FALSE(is_unplanned(worker, {}));
  EXPECT_TRUE(is_unplanned(worker, kSegfault));
  ASSERT_TRUE(worker.departure.advance_to(Departure::Step::killed, kNow, {}));
  EXPECT_FALSE(is_unplanned(worker, {.code = 0, .signal = SIGKILL}));
  worker.fault = Fault::silence;
  EXPECT_TRUE(is_unplanned(worker, {.code = 0, .signal = SIGKILL}));
}

}  // namespace
}  // namespace wsd::master
