// Descriptors on their way into a child.

#pragma once

#include <vector>

namespace wsd::master {

// One forgotten copy of a listening socket makes 1/N of all new clients hang, so nothing crosses fork by accident: the
// child closes everything else.
void close_all_but(std::vector<int> kept);

}  // namespace wsd::master
