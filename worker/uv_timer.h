// A timer of the loop.

#pragma once

#include <uv.h>

#include "worker/loop.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

// Not started yet. `data`: what its callback finds in the handle.
[[nodiscard]] inline UvHandle<uv_timer_t> make_timer(Loop& loop, void* data) {
  auto timer = make_uv_handle<uv_timer_t>([&loop](uv_timer_t* handle) { return uv_timer_init(loop.get(), handle); });
  timer->data = data;
  return timer;
}

}  // namespace wsd::worker
