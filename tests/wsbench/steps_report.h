// What a run found out about a rate that grows: how far the server follows.

#pragma once

#include <string>
#include <string_view>

#include "protocol/json_writer.h"
#include "tests/wsbench/options.h"
#include "tests/wsbench/outcome.h"

namespace wsd::bench {

// With line ends; nothing where the rate does not grow. `many`: what is counted.
[[nodiscard]] std::string steps_lines(const Options& options, std::string_view many, const Outcome& outcome);
void add_steps(protocol::JsonWriter& json, std::string_view many, const Outcome& outcome);

}  // namespace wsd::bench
