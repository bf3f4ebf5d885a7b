// A file that is read whole, by a process that may be root: certificates, secrets, configuration.

#pragma once

#include <cstddef>
#include <string>

#include "master/result.h"

namespace wsd::master {

// Its content, or why there is none: "No such file or directory", "it is not a file", "it has more than 9 bytes". Never
// waits for anybody, whatever is in the file's place.
Result<std::string> read_small_file(const std::string& path, std::size_t max_size);

// It is a file that every user of the machine may read, write or run.
[[nodiscard]] bool is_open_to_everybody(const std::string& path);

}  // namespace wsd::master
