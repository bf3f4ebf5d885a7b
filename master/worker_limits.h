// What a worker may use and wait for, by the options of its generation.

#pragma once

#include "master/options.h"
#include "worker/limits.h"

namespace wsd::master {

[[nodiscard]] worker::Limits limits_of(const Options& options);

}  // namespace wsd::master
