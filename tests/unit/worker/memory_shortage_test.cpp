#include "worker/memory_shortage.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <new>

#include "protocol/out_of_memory.h"
#include "tests/unit/support/child_process.h"
#include "worker/exit_code.h"
#include "worker/log.h"

namespace wsd::worker {
namespace {

using testing_support::ChildProcess;

// What the process ends with that does this without memory.
int end_of(const std::function<void()>& body) {
  ChildProcess child([&body](const auto& ready) {
    ready();
    log::use(-1);
    leave_when_out_of_memory();
    body();
    return 99;
  });
  return child.wait();
}

// What `new` calls when it gets none. (AddressSanitizer's never does.)
void run_out() {
  std::get_new_handler()();
}

TEST(MemoryShortage, EndsTheProcessInOrder) {
  const int status = end_of(run_out);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::out_of_memory));
}

TEST(MemoryShortage, OfALibraryIsNoOther) {
  const int status = end_of([] { protocol::out_of_memory(); });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::out_of_memory));
}

TEST(MemoryShortage, OfARequestThatIsTooLargeIsTheApplicationsToHandle) {
  const int status = end_of([] {
    const ApplicationsTurn turn;
    try {
      run_out();
    } catch (const std::bad_alloc&) {
      std::_Exit(0);
    }
  });
  EXPECT_EQ(status, 0);
}

TEST(MemoryShortage, EndsTheProcessAgainWhenTheApplicationsTurnIsOver) {
  const int status = end_of([] {
    { const ApplicationsTurn turn; }
    run_out();
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::out_of_memory));
}

TEST(OutOfMemory, IsAnExceptionWhereNobodyElseHandlesIt) {
  EXPECT_THROW(protocol::out_of_memory(), std::bad_alloc);
}

}  // namespace
}  // namespace wsd::worker
