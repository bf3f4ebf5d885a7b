#pragma once

#include <string>

#include "tests/wsbench/options.h"
#include "tests/wsbench/outcome.h"

namespace wsd::bench {

// What stands above the report while the run goes on, with its line ends.
[[nodiscard]] std::string heading(const Options& options);
// The report as wrk's users know it.
[[nodiscard]] std::string text_report(const Options& options, const Outcome& outcome);
// One JSON object on one line.
[[nodiscard]] std::string json_report(const Options& options, const Outcome& outcome);

}  // namespace wsd::bench
