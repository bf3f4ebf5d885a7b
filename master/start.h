// `wsd start`: becomes the master, in the foreground or as a daemon.

#pragma once

#include <vector>

#include "master/exit_status.h"
#include "master/inherited_sockets.h"
#include "master/plans.h"

namespace wsd::master {

// Returns in the process that the shell waits for: in the foreground when the server has stopped, for a daemon when it
// serves. Throws CommandError with the reason when it does not come to that.
// `inherited`: what a service manager has opened for the server.
[[nodiscard]] CommandStatus start_command(Plan plan, std::vector<InheritedSocket> inherited);

// What the master runs in place of its old binary (upgrade.h): goes on with the state behind `descriptor`. On trial it
// only finds out whether it could. Throws CommandError.
[[nodiscard]] CommandStatus resume_command(int descriptor, bool trial);

}  // namespace wsd::master
