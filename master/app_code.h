// The code that all workers of one generation run, one that is respawned years later too: a built-in app, or a module's
// bytes in sealed memory. Copies share it.

#pragma once

#include <wsd/app.h>

#include <memory>
#include <string>

#include "worker/file_descriptor.h"

namespace wsd::master {

struct AppCode {
  const AppModule* builtin = nullptr;
  std::shared_ptr<const worker::FileDescriptor> module;  // of those that are not built in
};

// Of a built-in app or a module: at once. Throws CommandError(failed) with the reason.
[[nodiscard]] AppCode load_app_code(const std::string& app);
// Of any app. Blocks while a source is compiled, whose compiler writes to standard error: for a command's own process.
[[nodiscard]] AppCode make_app_code(const std::string& app);
// Of module memory that is complete.
[[nodiscard]] AppCode seal_app_code(worker::FileDescriptor memory);

}  // namespace wsd::master
