#pragma once

#include <string>

#include "protocol/json_writer.h"
#include "tests/wsbench/options.h"
#include "tests/wsbench/outcome.h"

namespace wsd::bench {

// What a fan-out adds to the heading, to the report and to the JSON object. The last two: nothing in other modes.
[[nodiscard]] std::string fanout_heading(const Options& options);
[[nodiscard]] std::string fanout_lines(const Options& options, const Outcome& outcome);
void add_fanout(protocol::JsonWriter& json, const Options& options, const Outcome& outcome);

}  // namespace wsd::bench
