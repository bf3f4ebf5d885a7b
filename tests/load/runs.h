#pragma once

#include "tests/load/options.h"
#include "tests/load/report.h"

namespace wsd::load {

// One function for each mode: does the run and returns what is to be printed. Throws std::runtime_error where the run
// itself was not possible, such as for a process that is not there.
[[nodiscard]] Report run_exact(const Options& options);
[[nodiscard]] Report run_channels(const Options& options);

}  // namespace wsd::load
