// One libuv loop, made in this process and never inherited. Where there is a poller (poller.h) it sleeps there, and
// libuv has its turn when its own descriptor is ready or a timer is due: docs/decisions/0001-one-nested-epoll.md.

#pragma once

#include <uv.h>

#include <cstdint>
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

  // Where it sleeps instead of in libuv.
  class Sleep {
   public:
    // Until a descriptor is ready, libuv's own among them, or `timeout_ms` are over (-1: never); what is ready is
    // handled. True if libuv's is.
    virtual bool wait(int timeout_ms) = 0;
    // libuv had its turn.
    virtual void end_turn() = 0;

   protected:
    ~Sleep() = default;
  };
  // It outlives every run; null: in libuv again.
  void sleep_in(Sleep* sleep) { sleep_ = sleep; }

  [[nodiscard]] uv_loop_t* get() { return &loop_; }
  // Until stop(), or until libuv has nothing left to wait for.
  void run();
  // What is ready or due now; or, if nothing is, the next that will be.
  enum class Patience : std::uint8_t { none, until_due };
  void turn(Patience patience = Patience::none);
  void stop();

 private:
  uv_loop_t loop_{};
  Sleep* sleep_ = nullptr;
  bool stopped_ = false;
};

}  // namespace wsd::worker
