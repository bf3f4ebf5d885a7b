// Where compiled apps are put: a directory that nobody else can write to or read.

#pragma once

#include <string>

namespace wsd::master {

// $XDG_CACHE_HOME/wsd, else ~/.cache/wsd; for root /var/cache/wsd. Made (0700) if it is not there. Throws
// CommandError(failed) if it cannot be made, or is not ours alone.
[[nodiscard]] std::string app_cache_directory();

// The file in `directory` that the module made of `source` has: one for each source, the same each time.
[[nodiscard]] std::string module_file(const std::string& directory, const std::string& source);

}  // namespace wsd::master
