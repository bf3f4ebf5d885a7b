// What a worker does when it gets no memory: it says so and leaves, from wherever it is, and the master starts another.
//
// No exception could be trusted to end better: it would pass through libuv, which is C, and through objects that are
// half changed. So no destructor runs; the kernel tidies up, and the other workers never notice.
//
// An application that asks for too much is another matter. Where its callback's request alone cannot be met, it gets
// the std::bad_alloc, which like any other exception of its costs one connection.

#pragma once

namespace wsd::worker {

// For the rest of this process's life.
void leave_when_out_of_memory();

// While one exists, an application's code runs.
class ApplicationsTurn {
 public:
  ApplicationsTurn();
  ~ApplicationsTurn();
  ApplicationsTurn(const ApplicationsTurn&) = delete;
  ApplicationsTurn& operator=(const ApplicationsTurn&) = delete;
};

}  // namespace wsd::worker
