// How large a connection is. There are ten thousands of them in a worker, and most are idle: who adds a member asks
// whether each of them needs it (connection_extras.h), and where it leaves no gap.
#include <gtest/gtest.h>

#include "protocol/session.h"
#include "worker/client_connection.h"

namespace wsd::worker {
namespace {

TEST(ClientConnectionSize, IsWhatDocsBenchmarksSays) {
  // 296 and the allocator's 8 are a block of 304 bytes of glibc's; one byte more and it is 320.
  EXPECT_LE(sizeof(ClientConnection), 296U);
  EXPECT_LE(sizeof(protocol::Session), 88U);
}

}  // namespace
}  // namespace wsd::worker
