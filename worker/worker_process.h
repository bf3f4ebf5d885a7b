// The life of a worker process, from fork to exit.

#pragma once

#include "worker/exit_code.h"
#include "worker/heritage.h"

namespace wsd::worker {

// Called by the child after fork, with nothing inherited but the heritage and the log. Builds, serves, leaves.
[[nodiscard]] ExitCode run_worker(Heritage heritage);

}  // namespace wsd::worker
