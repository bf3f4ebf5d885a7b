#include "worker/memory_shortage.h"

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "worker/exit_code.h"
#include "worker/log.h"

namespace wsd::worker {

namespace {

// Kept to be able to say what happened. Nothing is ever written to it, so that it takes addresses and no memory.
constexpr std::size_t reserve_size = std::size_t{128} * 1024;
// Where so much is still to be had, what could not be met was one request that is too large.
constexpr std::size_t modest_size = std::size_t{64} * 1024;

// A new-handler is told nothing: what it must know is the process's.
void* reserve = nullptr;
unsigned applications_turns = 0;

[[noreturn]] void leave_at_once() {
  ::_exit(static_cast<int>(ExitCode::out_of_memory));
}

bool is_to_be_had(std::size_t size) {
  void* volatile probe = std::malloc(size);  // or the compiler would believe that it always is
  std::free(probe);
  return probe != nullptr;
}

void handle_shortage() {
  if (applications_turns > 0 && is_to_be_had(modest_size)) throw std::bad_alloc();
  std::set_new_handler(leave_at_once);  // if saying it takes more than the reserve
  std::free(reserve);
  log::error("out of memory: this worker leaves, and its clients have to come again");
  leave_at_once();
}

}  // namespace

void leave_when_out_of_memory() {
  reserve = std::malloc(reserve_size);
  std::set_new_handler(handle_shortage);
}

ApplicationsTurn::ApplicationsTurn() {
  ++applications_turns;
}

ApplicationsTurn::~ApplicationsTurn() {
  --applications_turns;
}

}  // namespace wsd::worker
