// Who accepts for a slot whose own worker cannot: a pure function from how things stand to how they should.

#pragma once

#include <map>
#include <optional>
#include <vector>

#include "master/supervision.h"

namespace wsd::master {

// One slot, as the plan sees it.
struct SlotToServe {
  Slot slot = 0;
  std::optional<WorkerKey> own;     // its own worker, if that one accepts: ready, in time, not full, not leaving
  std::optional<WorkerKey> helper;  // who serves it besides, for now
  bool may_help = true;             // its own worker may be given other slots' sockets
};

using Helpers = std::map<Slot, WorkerKey>;

// For every slot that needs one, the worker that helps. `slots` is in order of their numbers.
//   - A slot whose own worker accepts has no helper.
//   - The others are spread: no helper has more than its fair share. Within that, whoever helps already goes on;
//     otherwise it is the next accepting neighbour upward in the ring.
//   - When no worker accepts, things stay as they are.
[[nodiscard]] Helpers plan_helpers(const std::vector<SlotToServe>& slots);

}  // namespace wsd::master
