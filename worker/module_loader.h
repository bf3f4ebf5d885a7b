// Loads an application that was compiled by itself: a shared object with a wsd_app_module in it.
//
// A process loads one module in its life and keeps it until it ends: what the application left behind (callbacks,
// thread-locals, exit handlers) is code of the module.

#pragma once

#include <wsd/app.h>

#include <string>
#include <string_view>

namespace wsd::worker {

// Reads the module that `descriptor` is open on; it may be closed afterwards. `name` is what errors call it. Throws
// std::runtime_error with one sentence: no shared object, a symbol is missing, no wsd app, built for another ABI.
[[nodiscard]] const AppModule& load_module(int descriptor, std::string_view name);

// What is wrong with a module that carries `theirs`, for a server that carries `ours`; empty if nothing is.
[[nodiscard]] std::string abi_mismatch(std::string_view name, std::string_view theirs, std::string_view ours);

}  // namespace wsd::worker
