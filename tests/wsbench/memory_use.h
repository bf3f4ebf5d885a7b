// What connections cost in memory: the server's processes, and the kernel.

#pragma once

#include <cstddef>

#include "tests/load/process_usage.h"

namespace wsd::bench {

struct MemoryUse {
  load::Memory server;
  // Of the whole machine, in bytes: what the kernel keeps for itself (the slabs of /proc/meminfo, where sockets are)
  // and in socket buffers (/proc/net/sockstat). Both ends' where both are here, and everybody else's: only its growth
  // tells.
  std::size_t kernel = 0;
  std::size_t connections = 0;  // that were open then
};

// The server's, and what the kernel has now.
[[nodiscard]] MemoryUse memory_use(const load::Memory& server, std::size_t connections);

// Bytes that each connection has added.
struct MemoryGrowth {
  double resident = 0, proportional = 0, private_dirty = 0, kernel = 0;
};
[[nodiscard]] MemoryGrowth growth_per_connection(const MemoryUse& before, const MemoryUse& after);

}  // namespace wsd::bench
