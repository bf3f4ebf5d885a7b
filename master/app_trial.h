// An app and its certificates, tried by a child as a worker would begin with them: the source compiled, the module
// loaded, its WSD_APP body run, certificates and keys matched. Nothing is served; on_worker_start is not called.

#pragma once

#include <string>
#include <vector>

#include "master/plans.h"

namespace wsd::master {

// What is wrong, one sentence each. The compiler writes to standard error. Blocks until the child is done, which has
// two minutes.
[[nodiscard]] std::vector<std::string> try_app(const Plan& plan);

}  // namespace wsd::master
