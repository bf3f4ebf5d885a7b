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
  uv_run(&loop_, UV_RUN_DEFAULT);
}

}  // namespace wsd::worker
