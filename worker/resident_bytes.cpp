#include "worker/resident_bytes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

namespace wsd::worker {

std::uint64_t resident_bytes(std::uint64_t pid) {
  std::ifstream statm(fmt::format("/proc/{}/statm", pid));
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace wsd::worker
