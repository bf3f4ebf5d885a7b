// One libuv loop, made in this process and never inherited.

#pragma once

#include <uv.h>

#include <string>

namespace wsd::worker {

// "1.44.2"
[[nodiscard]] std::string loop_library_version();

class Loop {
 public:
  Loop();  // aborts when the kernel has no epoll descriptor for us: nothing can be served then
  // Every handle's owner must be gone: runs the close callbacks that are due and asserts that nothing is left.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] uv_loop_t* get() { return &loop_; }
  void run();
  void stop() { uv_stop(&loop_); }

 private:
  uv_loop_t loop_{};
};

}  // namespace wsd::worker
