#include "master/app_code.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "master/app_cache.h"
#include "master/app_compiler.h"
#include "master/app_source.h"
#include "master/exit_status.h"
#include "master/module_memory.h"
#include "master/nearest_word.h"
#include "protocol/printable_text.h"
#include "worker/apps/builtin_apps.h"

namespace wsd::master {

namespace {

const AppModule* builtin_app(const std::string& app) {
  if (const AppModule* const found = worker::find_builtin_app(app); found != nullptr) return found;
  const auto known = worker::builtin_app_names();
  const std::vector<std::string> names(known.begin(), known.end());
  const std::string nearest = nearest_word(app, names);
  throw CommandError(
      CommandStatus::failed,
      fmt::format("there is no app \"{}\": {}built-in are {}, and your own is a file that ends in .cpp or .so",
                  protocol::printable(app), nearest.empty() ? "" : fmt::format("the nearest is {}; ", nearest),
                  fmt::join(names, ", ")));
}

constexpr std::size_t max_reason = 2000;

[[noreturn]] void write_and_exit(const std::string& app, const worker::Privileges& privileges, int module, int reason) {
  try {
    write_app_code(app, privileges, module, STDERR_FILENO);
    ::_exit(0);
  } catch (const std::exception& error) {
    [[maybe_unused]] const ssize_t written = ::write(reason, error.what(), std::strlen(error.what()));
    ::_exit(1);
  }
}

worker::FileDescriptor written_by_child(const std::string& app, const worker::Privileges& privileges) {
  worker::FileDescriptor memory = make_module_memory(app);
  const worker::FileDescriptor reason(::memfd_create("wsd:reason", MFD_CLOEXEC));
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw CommandError(CommandStatus::failed, fmt::format("cannot fork: {}", std::strerror(errno)));
  if (child == 0) write_and_exit(app, privileges, memory.get(), reason.get());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return memory;
  std::string said(max_reason, '\0');
  const ssize_t size = ::pread(reason.get(), said.data(), said.size(), 0);
  said.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  throw CommandError(CommandStatus::failed,
                     said.empty() ? fmt::format("the process that made {} was ended", app) : said);
}

}  // namespace

bool needs_child(const std::string& app, const worker::Privileges& privileges) {
  const AppKind kind = app_kind(app);
  return kind == AppKind::source || (kind == AppKind::module && privileges.identity);
}

AppCode load_app_code(const std::string& app) {
  if (app_kind(app) == AppKind::builtin) return {.builtin = builtin_app(app), .module = nullptr};
  worker::FileDescriptor memory = make_module_memory(app);
  copy_to_module_memory(trusted_file(app, ::geteuid()), memory.get());
  return seal_app_code(std::move(memory));
}

AppCode make_app_code(const std::string& app, const worker::Privileges& privileges) {
  return needs_child(app, privileges) ? seal_app_code(written_by_child(app, privileges)) : load_app_code(app);
}

// Whether the file may be trusted, and where compiled apps go, is root's to say: both before the privileges go.
void write_app_code(const std::string& app, const worker::Privileges& privileges, int module, int messages) {
  const auto& identity = privileges.identity;
  const std::string file = trusted_file(app, identity ? identity->user : ::geteuid());
  const bool compiles = app_kind(app) == AppKind::source;
  const std::string cache = compiles ? app_cache_directory(identity) : std::string();
  worker::give_up_privileges(privileges);
  if (::access(file.c_str(), R_OK) != 0) {
    throw CommandError(CommandStatus::failed,
                       fmt::format("cannot read {}: {}{}", file, std::strerror(errno),
                                   identity ? fmt::format("; let the user {} read it", identity->name) : ""));
  }
  if (!compiles) return copy_to_module_memory(file, module);
  compile_app({.name = app, .file = file, .cache = cache}, module, messages);
}

AppCode seal_app_code(worker::FileDescriptor memory) {
  seal_module_memory(memory.get());
  return {.builtin = nullptr, .module = std::make_shared<const worker::FileDescriptor>(std::move(memory))};
}

}  // namespace wsd::master
