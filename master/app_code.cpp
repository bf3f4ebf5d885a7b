#include "master/app_code.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "master/app_compiler.h"
#include "master/app_source.h"
#include "master/exit_status.h"
#include "master/module_memory.h"
#include "master/nearest_word.h"
#include "worker/apps/builtin_apps.h"
#include "worker/printable_text.h"

namespace wsd::master {

namespace {

const AppModule* builtin_app(const std::string& app) {
  if (const AppModule* const found = worker::find_builtin_app(app); found != nullptr) return found;
  const auto known = worker::builtin_app_names();
  const std::vector<std::string> names(known.begin(), known.end());
  throw CommandError(
      CommandStatus::failed,
      fmt::format("there is no app \"{}\": the nearest of the built-in ones ({}) is {}, and your own is a "
                  "file that ends in .cpp or .so",
                  worker::printable(app), fmt::join(names, ", "), nearest_word(app, names)));
}

}  // namespace

AppCode load_app_code(const std::string& app) {
  if (app_kind(app) == AppKind::builtin) return {.builtin = builtin_app(app), .module = nullptr};
  worker::FileDescriptor memory = make_module_memory(app);
  copy_to_module_memory(trusted_file(app), memory.get());
  return seal_app_code(std::move(memory));
}

AppCode make_app_code(const std::string& app) {
  if (app_kind(app) != AppKind::source) return load_app_code(app);
  worker::FileDescriptor memory = make_module_memory(app);
  compile_app(app, memory.get(), STDERR_FILENO);
  return seal_app_code(std::move(memory));
}

AppCode seal_app_code(worker::FileDescriptor memory) {
  seal_module_memory(memory.get());
  return {.builtin = nullptr, .module = std::make_shared<const worker::FileDescriptor>(std::move(memory))};
}

}  // namespace wsd::master
