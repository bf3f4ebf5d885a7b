#include "worker/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

namespace wsd::worker {

FileDescriptor make_memory_file(const char* name, std::span<const std::byte> bytes) {
  FileDescriptor memory(::memfd_create(name, MFD_CLOEXEC));
  while (memory && !bytes.empty()) {
    const ssize_t count = ::write(memory.get(), bytes.data(), bytes.size());
    if (count <= 0) return {};
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return memory;
}

}  // namespace wsd::worker
