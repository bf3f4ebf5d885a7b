#include "tests/wsbench/memory_use.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace wsd::bench {

namespace {

std::size_t slab_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::size_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "Slab: %zu", &kibibytes) == 1) return kibibytes * 1024;
  }
  return 0;
}

std::size_t socket_buffer_bytes() {
  std::ifstream file("/proc/net/sockstat");
  for (std::string line; std::getline(file, line);) {
    std::size_t pages = 0;
    if (std::sscanf(line.c_str(), "TCP: inuse %*u orphan %*u tw %*u alloc %*u mem %zu", &pages) == 1) {
      return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    }
  }
  return 0;
}

}  // namespace

MemoryUse memory_use(const load::Memory& server, std::size_t connections) {
  return {server, slab_bytes() + socket_buffer_bytes(), connections};
}

MemoryGrowth growth_per_connection(const MemoryUse& before, const MemoryUse& after) {
  if (after.connections <= before.connections) return {};
  const auto added = static_cast<double>(after.connections - before.connections);
  const auto each = [added](std::size_t from, std::size_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) / added;
  };
  return {each(before.server.resident, after.server.resident),
          each(before.server.proportional, after.server.proportional),
          each(before.server.private_dirty, after.server.private_dirty), each(before.kernel, after.kernel)};
}

}  // namespace wsd::bench
