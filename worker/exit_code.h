// How a worker's end is to be read: an exit status shared by the worker, which chooses it, and the master's supervisor,
// which believes it.

#pragma once

namespace wsd::worker {

enum class ExitCode : int {
  done = 0,           // it was told to leave, or its master is gone
  failed = 1,         // an error it could not go on with; bring it back
  cannot_start = 3,   // the app refused to start: bringing the same code back at once is pointless
  out_of_memory = 4,  // it got no memory; bring it back
};

}  // namespace wsd::worker
