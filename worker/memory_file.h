// Bytes on their way to another of our processes, in a descriptor instead of a record: a memfd.

#pragma once

#include <cstddef>
#include <span>

#include "worker/file_descriptor.h"

namespace wsd::worker {

// A memfd that holds these bytes; `name` is what /proc shows. None, with errno, if there is no descriptor or no memory.
[[nodiscard]] FileDescriptor make_memory_file(const char* name, std::span<const std::byte> bytes);

}  // namespace wsd::worker
