#include "worker/timer_table.h"

#include <algorithm>
#include <utility>

namespace wsd::worker {

namespace {

constexpr std::uint64_t millisecond_ns = 1'000'000;

std::uint64_t at_least_one_millisecond(std::chrono::nanoseconds wait) {
  return std::max(millisecond_ns, static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0)));
}

}  // namespace

TimerId TimerTable::every(std::chrono::nanoseconds interval, std::function<void()> callback) {
  return add(interval, at_least_one_millisecond(interval), std::move(callback));
}

TimerId TimerTable::after(std::chrono::nanoseconds delay, std::function<void()> callback) {
  return add(delay, 0, std::move(callback));
}

TimerId TimerTable::add(std::chrono::nanoseconds wait, std::uint64_t interval_ns, std::function<void()> callback) {
  const TimerId id = ++last_id_;
  auto timer = std::make_shared<Timer>(
      Timer{this, id, uv_hrtime() + at_least_one_millisecond(wait), interval_ns, std::move(callback),
            make_uv_handle<uv_timer_t>([this](uv_timer_t* handle) { return uv_timer_init(loop_.get(), handle); })});
  timer->handle->data = timer.get();
  arm(*timer);
  timers_.emplace(id, std::move(timer));
  return id;
}

void TimerTable::arm(Timer& timer) {
  uv_update_time(timer.table->loop_.get());  // the loop's own clock stands still while a callback works
  const std::uint64_t now = uv_hrtime();
  const std::uint64_t wait_ns = timer.due_ns > now ? timer.due_ns - now : 0;
  uv_timer_start(
      timer.handle.get(),
      [](uv_timer_t* handle) {
        const auto* due = static_cast<Timer*>(handle->data);
        due->table->fire(due->id);
      },
      (wait_ns + millisecond_ns - 1) / millisecond_ns, 0);
}

void TimerTable::fire(TimerId id) {
  const std::shared_ptr<Timer> timer = timers_.at(id);  // stays alive if the callback cancels it
  if (timer->interval_ns == 0) {
    timers_.erase(id);
  } else {
    // Due times are multiples of the interval, so lateness does not add up; those that have passed are skipped.
    const std::uint64_t now = uv_hrtime();
    do timer->due_ns += timer->interval_ns;
    while (timer->due_ns <= now);
    arm(*timer);
  }
  app_.timer(timer->callback);
}

}  // namespace wsd::worker
