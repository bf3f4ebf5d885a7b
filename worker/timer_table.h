// An application's timers: every, after, cancel, on the monotonic clock.
//
// Owned by the server, one per worker. A callback may cancel any timer, its own included, and start others.

#pragma once

#include <uv.h>
#include <wsd/worker.h>

#include <chrono>
#include <functional>
#include <memory>
#include <unordered_map>

#include "worker/app_host.h"
#include "worker/loop.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class TimerTable {
 public:
  TimerTable(Loop& loop, AppHost& app) : loop_(loop), app_(app) {}

  TimerId every(std::chrono::nanoseconds interval, std::function<void()> callback);
  TimerId after(std::chrono::nanoseconds delay, std::function<void()> callback);
  void cancel(TimerId timer) { timers_.erase(timer); }
  void cancel_all() { timers_.clear(); }

 private:
  struct Timer {
    TimerTable* table;
    TimerId id;
    std::uint64_t due_ns;
    std::uint64_t interval_ns;  // 0: once
    std::function<void()> callback;
    UvHandle<uv_timer_t> handle;
  };

  TimerId add(std::chrono::nanoseconds wait, std::uint64_t interval_ns, std::function<void()> callback);
  static void arm(Timer& timer);
  void fire(TimerId id);

  Loop& loop_;
  AppHost& app_;
  TimerId last_id_ = 0;
  std::unordered_map<TimerId, std::shared_ptr<Timer>> timers_;
};

}  // namespace wsd::worker
