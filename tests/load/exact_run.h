#pragma once

#include "tests/load/options.h"
#include "tests/load/report.h"

namespace wsd::load {

// Does the run and returns what is to be printed. Throws std::runtime_error where the run itself was not possible.
[[nodiscard]] Report run_exact(const Options& options);

}  // namespace wsd::load
