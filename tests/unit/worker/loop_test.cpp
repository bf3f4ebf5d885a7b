#include "worker/loop.h"

#include <gtest/gtest.h>

#include "worker/uv_handle.h"

namespace wsd::worker {
namespace {

UvHandle<uv_timer_t> make_timer(Loop& loop) {
  return make_uv_handle<uv_timer_t>([&loop](uv_timer_t* handle) { return uv_timer_init(loop.get(), handle); });
}

// The destructor asserts that uv_loop_close() succeeds: these tests end by getting that far.

TEST(Loop, WithoutHandlesRunsToItsEndAtOnce) {
  Loop loop;
  loop.run();
}

TEST(Loop, ClosesHandlesWhoseOwnersAreGone) {
  Loop loop;
  { const auto timer = make_timer(loop); }
}

TEST(Loop, ClosesAlthoughNobodyRanIntoAStop) {
  Loop loop;
  { const auto timer = make_timer(loop); }
  loop.stop();
}

TEST(Loop, StopEndsARunThatHasMoreToDo) {
  Loop loop;
  const auto timer = make_timer(loop);
  int calls = 0;
  struct Data {
    Loop& loop;
    int& calls;
  } data{loop, calls};
  timer->data = &data;
  uv_timer_start(
      timer.get(),
      [](uv_timer_t* handle) {
        auto* seen = static_cast<Data*>(handle->data);
        if (++seen->calls == 3) seen->loop.stop();
      },
      0, 1);
  loop.run();
  EXPECT_EQ(calls, 3);
}

TEST(Loop, AHandleThatCouldNotBeMadeIsNone) {
  Loop loop;
  const auto handle = make_uv_handle<uv_poll_t>([&loop](uv_poll_t* raw) { return uv_poll_init(loop.get(), raw, -1); });
  EXPECT_EQ(handle, nullptr);
}

TEST(Loop, TellsItsLibrarysVersion) {
  EXPECT_EQ(loop_library_version().substr(0, 2), "1.");
}

TEST(LoopDeathTest, AHandleThatOutlivesItIsABug) {
  EXPECT_DEATH(
      {
        UvHandle<uv_timer_t> timer;
        Loop loop;
        timer = make_timer(loop);
      },
      "uv_loop_close");
}

}  // namespace
}  // namespace wsd::worker
