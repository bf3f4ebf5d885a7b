// A module's bytes in memory that no file stands behind: what happens to the file it came from harms nobody.

#pragma once

#include <string>

#include "worker/file_descriptor.h"

namespace wsd::master {

// All three throw CommandError(failed) with the reason.
[[nodiscard]] worker::FileDescriptor make_module_memory(const std::string& name);
void copy_to_module_memory(const std::string& file, int memory);
// From here on nobody can change it, whoever holds it. Harmless twice: an upgraded master seals what it was left.
void seal_module_memory(int memory);

}  // namespace wsd::master
