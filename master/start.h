// `wsd start`: becomes the master, in the foreground or as a daemon.

#pragma once

#include "master/app_code.h"
#include "master/exit_status.h"
#include "master/options.h"

namespace wsd::master {

// Returns in the process that the shell waits for: in the foreground when the server has stopped, for a daemon when it
// serves. Throws CommandError with the reason when it does not come to that.
[[nodiscard]] CommandStatus start_command(const Options& options);
// The same with the app's code at hand.
[[nodiscard]] CommandStatus start_command(const Options& options, const AppCode& code);

}  // namespace wsd::master
