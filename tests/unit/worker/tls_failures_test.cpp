#include "worker/tls_failures.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

using std::chrono::seconds;

TEST(TlsFailures, TellTheFirstOfAKindAtOnceAndCountTheRest) {
  TlsFailures failures;
  const TlsFailures::Clock::time_point begin{};
  EXPECT_EQ(failures.note("unsupported protocol", "192.0.2.7", begin),
            "TLS handshake with 192.0.2.7 failed: unsupported protocol");
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(failures.note("unsupported protocol", "192.0.2.7", begin), std::nullopt);
  EXPECT_EQ(failures.note("no shared cipher", "192.0.2.8", begin),
            "TLS handshake with 192.0.2.8 failed: no shared cipher")
      << "another kind";
  EXPECT_EQ(failures.note("unsupported protocol", "192.0.2.9", begin + seconds(10)),
            "TLS handshake with 192.0.2.9 failed: unsupported protocol (1000 more like it since the last line)");
  EXPECT_EQ(failures.note("unsupported protocol", "192.0.2.9", begin + seconds(20)),
            "TLS handshake with 192.0.2.9 failed: unsupported protocol");
}

}  // namespace
}  // namespace wsd::worker
