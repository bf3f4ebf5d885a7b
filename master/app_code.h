// The code that all workers of one generation run, one that is respawned years later too: a built-in app, or a module's
// bytes in sealed memory. Copies share it.

#pragma once

#include <wsd/app.h>

#include <memory>
#include <string>

#include "worker/file_descriptor.h"
#include "worker/privileges.h"

namespace wsd::master {

struct AppCode {
  const AppModule* builtin = nullptr;
  std::shared_ptr<const worker::FileDescriptor> module;  // of those that are not built in
};

// Whether it takes a child to make: a compiler takes its time, and what belongs to the workers' user is read by that
// user.
[[nodiscard]] bool needs_child(const std::string& app, const worker::Privileges& privileges);
// Of an app that needs no child: at once. Throws CommandError(failed) with the reason.
[[nodiscard]] AppCode load_app_code(const std::string& app);
// Of any app. Blocks while a source is compiled, whose compiler writes to standard error: for a command's own process.
[[nodiscard]] AppCode make_app_code(const std::string& app, const worker::Privileges& privileges);
// In a child, which gives up its privileges: writes the app's code to the descriptor `module`, and what the compiler
// says, as it says it, to `messages`. Throws std::exception with the reason.
void write_app_code(const std::string& app, const worker::Privileges& privileges, int module, int messages);
// Of module memory that is complete.
[[nodiscard]] AppCode seal_app_code(worker::FileDescriptor memory);

}  // namespace wsd::master
