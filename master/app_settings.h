// The settings that an app gets: those that are given as they are (--set), and those that are in files (--set-file), as
// secrets should be: what is on a command line everybody can read in `ps`.

#pragma once

#include "master/options.h"

namespace wsd::master {

// Reads the files, without the newline at their end. Throws CommandError(usage).
[[nodiscard]] Settings read_app_settings(const Options& options);

}  // namespace wsd::master
