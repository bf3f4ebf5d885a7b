#pragma once

#include <string>

#include "protocol/json_writer.h"
#include "tests/wsbench/options.h"
#include "tests/wsbench/outcome.h"

namespace wsd::bench {

// What --reload's command did to the load: lines of the report, and fields of the JSON object. Nothing without one.
[[nodiscard]] std::string reload_lines(const Options& options, const Outcome& outcome);
void add_reload(protocol::JsonWriter& json, const Options& options, const Outcome& outcome);

}  // namespace wsd::bench
