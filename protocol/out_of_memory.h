// For a library that has got no memory and says so by a return value: the same then happens as if `new` had got none.

#pragma once

namespace wsd::protocol {

// Calls the process's new-handler, if it has one, and throws std::bad_alloc if that returns.
[[noreturn]] void out_of_memory();

}  // namespace wsd::protocol
