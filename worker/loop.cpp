#include "worker/loop.h"

#include "protocol/assertion.h"

namespace wsd::worker {

std::string loop_library_version() {
  return uv_version_string();
}

Loop::Loop() {
  WSD_ASSERT(uv_loop_init(&loop_) == 0);
}

Loop::~Loop() {
  // A stop() that nobody ran into yet makes the first of these return at once.
  uv_run(&loop_, UV_RUN_NOWAIT);
  uv_run(&loop_, UV_RUN_NOWAIT);
  WSD_ASSERT(uv_loop_close(&loop_) == 0);
}

void Loop::run() {
  if (sleep_ == nullptr) {
    uv_run(&loop_, UV_RUN_DEFAULT);
  } else {
    // What libuv's callbacks begin to watch it tells the kernel in its next turn: that follows without sleep.
    bool again = false, alive = true;
    while (alive && !stopped_) {
      alive = uv_run(&loop_, UV_RUN_NOWAIT) != 0;
      sleep_->end_turn();
      bool ready = false;
      while (alive && !stopped_ && !ready) {
        ready = sleep_->wait(again ? 0 : uv_backend_timeout(&loop_));
        if (again || uv_backend_timeout(&loop_) == 0) break;
      }
      again = ready;
    }
  }
  stopped_ = false;
}

void Loop::turn(Patience patience) {
  if (sleep_ == nullptr) {
    uv_run(&loop_, patience == Patience::none ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    return;
  }
  sleep_->wait(patience == Patience::none ? 0 : uv_backend_timeout(&loop_));
  uv_run(&loop_, UV_RUN_NOWAIT);
  sleep_->end_turn();
}

void Loop::stop() {
  stopped_ = true;
  uv_stop(&loop_);
}

}  // namespace wsd::worker
