#include "worker/deadline_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace wsd::worker {
namespace {

std::vector<DeadlineHook*> take_all_due(DeadlineList& list, std::uint64_t now_ms) {
  std::vector<DeadlineHook*> due;
  while (DeadlineHook* hook = list.take_due(now_ms)) due.push_back(hook);
  return due;
}

using Hooks = std::vector<DeadlineHook*>;

TEST(DeadlineList, OneIsDueWhenTheWaitIsOverAndNotBefore) {
  DeadlineList list(100);
  DeadlineHook hook;
  EXPECT_FALSE(hook.armed());
  list.arm(hook, 1000);
  EXPECT_TRUE(hook.armed());
  EXPECT_EQ(hook.due_ms(1000), 1100U);
  EXPECT_EQ(list.take_due(1099), nullptr);
  EXPECT_TRUE(hook.armed());
  EXPECT_EQ(list.take_due(1100), &hook);
  EXPECT_FALSE(hook.armed());
  EXPECT_EQ(list.take_due(9999), nullptr);
}

TEST(DeadlineList, TheFirstArmedIsTheFirstDue) {
  DeadlineList list(10);
  DeadlineHook one;
  DeadlineHook two;
  DeadlineHook three;
  list.arm(one, 0);
  list.arm(two, 5);
  list.arm(three, 6);
  EXPECT_EQ(take_all_due(list, 15), (Hooks{&one, &two}));
  EXPECT_EQ(take_all_due(list, 100), Hooks{&three});
}

TEST(DeadlineList, ArmingAgainMovesToTheEnd) {
  DeadlineList list(10);
  DeadlineHook one;
  DeadlineHook two;
  list.arm(one, 0);
  list.arm(two, 1);
  list.arm(one, 2);
  EXPECT_EQ(take_all_due(list, 11), Hooks{&two});
  EXPECT_EQ(take_all_due(list, 12), Hooks{&one});
}

TEST(DeadlineList, AHookIsOnOneListOnly) {
  DeadlineList list(10);
  DeadlineList other(20);
  DeadlineHook hook;
  list.arm(hook, 0);
  other.arm(hook, 0);
  EXPECT_TRUE(take_all_due(list, 1000).empty());
  EXPECT_EQ(take_all_due(other, 20), Hooks{&hook});
}

TEST(DeadlineList, ADisarmedOneIsNeverDue) {
  DeadlineList list(10);
  DeadlineHook first;
  DeadlineHook middle;
  DeadlineHook last;
  list.arm(first, 0);
  list.arm(middle, 0);
  list.arm(last, 0);
  middle.disarm();
  middle.disarm();
  EXPECT_FALSE(middle.armed());
  EXPECT_EQ(take_all_due(list, 10), (Hooks{&first, &last}));
}

TEST(DeadlineList, OneThatIsDestroyedLeavesItsList) {
  DeadlineList list(10);
  DeadlineHook first;
  auto second = std::make_unique<DeadlineHook>();
  list.arm(first, 0);
  list.arm(*second, 0);
  second.reset();
  EXPECT_EQ(take_all_due(list, 10), Hooks{&first});
}

TEST(DeadlineList, AListThatIsDestroyedLetsItsHooksGo) {
  DeadlineHook hook;
  {
    DeadlineList list(10);
    list.arm(hook, 0);
  }
  EXPECT_FALSE(hook.armed());
}

TEST(DeadlineList, OneMayBeArmedAgainWhileThoseThatAreDueAreTaken) {
  DeadlineList list(10);
  DeadlineHook hook;
  list.arm(hook, 0);
  int times = 0;
  while (DeadlineHook* due = list.take_due(10)) {
    ++times;
    list.arm(*due, 10);
  }
  EXPECT_EQ(times, 1);
}

TEST(DeadlineList, ARestoredOneKeepsItsMomentButNoneLaterThanAFreshOne) {
  DeadlineList list(100);
  DeadlineHook overdue;
  DeadlineHook soon;
  DeadlineHook far;
  list.restore(overdue, 5, 1000);
  list.restore(soon, 1050, 1000);
  list.restore(far, 99'999, 1000);
  EXPECT_EQ(take_all_due(list, 1000), Hooks{&overdue});
  EXPECT_EQ(take_all_due(list, 1049), Hooks{});
  EXPECT_EQ(take_all_due(list, 1050), Hooks{&soon});
  EXPECT_EQ(take_all_due(list, 1100), Hooks{&far});
}

}  // namespace
}  // namespace wsd::worker
