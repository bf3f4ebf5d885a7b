// Options from the environment: WSD_MAX_MESSAGE is max_message. A list has commas between its members; settings are
// KEY=VALUE, one a line. A variable that is empty counts as not set.

#pragma once

#include <string>
#include <vector>

#include "master/config_file.h"
#include "master/options.h"

namespace wsd::master {

struct Environment {
  Options options;  // what is right
  std::vector<ConfigProblem> problems{};
  // Of variables that look like ours and are none. No error: others use the prefix too, as Kubernetes does for the
  // addresses of a service that is called wsd.
  std::vector<std::string> warnings{};
};

// `variables`: as environ has them, to a null pointer. `base`: what relative paths are seen from.
[[nodiscard]] Environment read_environment(const char* const* variables, const std::string& base);

}  // namespace wsd::master
