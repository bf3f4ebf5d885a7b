// Where compiled apps are put: a directory that nobody else can write to or read.

#pragma once

#include <optional>
#include <string>

#include "worker/privileges.h"

namespace wsd::master {

// $XDG_CACHE_HOME/wsd, else ~/.cache/wsd; for root /var/cache/wsd, and a directory in there for whom a child of root is
// about to become. Made (0700) if it is not there. Throws CommandError(failed) if it cannot be made, or is not that
// user's alone.
[[nodiscard]] std::string app_cache_directory(const std::optional<worker::Identity>& identity);

// The file in `directory` that the module made of `source` has: one for each source, the same each time.
[[nodiscard]] std::string module_file(const std::string& directory, const std::string& source);

}  // namespace wsd::master
