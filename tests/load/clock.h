#pragma once

#include <chrono>

namespace wsd::load {

using Clock = std::chrono::steady_clock;

}  // namespace wsd::load
