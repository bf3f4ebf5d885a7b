// The configuration file that a package installs: every option of the table, explained, with what it is by default, as
// comments. It changes nothing until somebody takes a comment sign away.

#pragma once

#include <string>

namespace wsd::master {

[[nodiscard]] std::string default_config();

}  // namespace wsd::master
