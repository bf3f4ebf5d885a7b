// A configuration as `wsd check` shows it: as a file that would come to the same, each line with where its value is
// from, and as JSON.

#pragma once

#include <string>

#include "master/configuration.h"
#include "protocol/json_writer.h"

namespace wsd::master {

[[nodiscard]] std::string to_toml(const Configuration& configuration);

// The members "file", "options" and "origins" of the object that is open.
void write_configuration(protocol::JsonWriter& json, const Configuration& configuration);

}  // namespace wsd::master
