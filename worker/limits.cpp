#include "worker/limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace wsd::worker {

std::size_t connections_allowed(const Limits& limits) {
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  const std::size_t limit = descriptors.rlim_cur;
  const std::size_t there_are =
      limit > 2 * limits.reserved_descriptors ? limit - limits.reserved_descriptors : limit / 2;
  return limits.max_connections == 0 ? there_are : std::min(limits.max_connections, there_are);
}

}  // namespace wsd::worker
