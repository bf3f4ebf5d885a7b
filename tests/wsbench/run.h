#pragma once

#include "tests/wsbench/options.h"
#include "tests/wsbench/outcome.h"

namespace wsd::bench {

// Carries out one run and waits until it is over. SIGINT and SIGTERM end its load early; a second one ends it at once.
// Throws std::runtime_error when it cannot be carried out.
[[nodiscard]] Outcome run(const Options& options);

}  // namespace wsd::bench
