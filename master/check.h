// `wsd check`: reads everything as start would and tries what can be tried without serving: addresses, certificates,
// secrets, the app. Says all that is wrong, not only the first.

#pragma once

#include "master/command_line.h"
#include "master/exit_status.h"

namespace wsd::master {

// Prints the configuration that results, and the problems on standard error. usage: something that was written is
// wrong; failed: something that was tried does not work.
[[nodiscard]] CommandStatus check_command(const CommandLine& line);

}  // namespace wsd::master
