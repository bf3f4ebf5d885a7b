#include "master/start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>

#include "master/daemonize.h"
#include "master/instance_lock.h"
#include "master/log_files.h"
#include "master/master.h"
#include "master/master_contact.h"
#include "master/master_state.h"
#include "master/run_directory.h"
#include "master/status_page.h"
#include "master/upgrade.h"
#include "worker/log.h"
#include "worker/loop.h"
#include "worker/process_title.h"
#include "worker/tls_version.h"

namespace wsd::master {

namespace {

using worker::FileDescriptor;

// Whom the workers run as.
std::string user_name(const Options& options) {
  if (options.user.given()) return *options.user;
  const passwd* user = ::getpwuid(::geteuid());
  return user == nullptr ? std::to_string(::geteuid()) : user->pw_name;
}

// Empty: to standard error.
std::string log_path_of(const Options& options) {
  const bool has_file = *options.daemon || options.log_file.given();
  return has_file ? RunDirectory::locate(options).log_file(options) : std::string();
}

void print_banner(const Status& status, const Options& options) {
  const Banner banner{.wsd_version = status.version,
                      .libuv_version = worker::loop_library_version(),
                      .openssl_version = worker::tls_library_version(),
                      .listen = status.listen,
                      .api = status.api,
                      .name = status.name,
                      .app = status.app,
                      .user = user_name(options),
                      .count = static_cast<unsigned>(status.workers.size()),
                      .max_connections = status.max_connections,
                      .log = log_path_of(options),
                      .daemon = *options.daemon};
  std::fputs(start_banner(banner).c_str(), stdout);
  std::fflush(stdout);
}

std::optional<Status> fetch_status(const Options& options) {
  auto master = MasterContact::find(options);
  if (!master || !master->ask({.command = ControlCommand::status, .graceful = false, .options = {}}))
    return std::nullopt;
  const auto answer = master->next_answer();
  if (!answer || answer->status.empty()) return std::nullopt;
  auto status = status_from_json(answer->status);
  return status ? std::optional(*status) : std::nullopt;
}

// Every worker may hold as many clients as the system lets it.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

FileDescriptor open_log(const Options& options, const RunDirectory& directory) {
  if (!*options.daemon && !options.log_file.given()) return FileDescriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  return open_log_file(options, directory);
}

// What ends a master that runs is said in its log: a daemon's standard error nobody reads.
CommandStatus run(Master& master) {
  try {
    return master.run();
  } catch (const std::exception& error) {
    log::error("the master ends, and its workers close their clients and leave: {}", error.what());
    throw;
  }
}

CommandStatus serve(const Plan& plan, const RunDirectory& directory, int log_descriptor,
                    std::vector<InheritedSocket> inherited, StartReport& report) {
  const Options& options = plan.options;
  const InstanceLock lock(directory.lock_file(), *options.name);
  log::use(log_descriptor);
  log::set_level(*options.log_level);
  log::set_format(*options.log_format);
  log::set_role("master");
  raise_descriptor_limit();
  Master master(plan, directory, lock, log_descriptor, std::move(inherited), report, [&options](const Status& status) {
    if (!*options.daemon) print_banner(status, options);
  });
  worker::set_process_title(fmt::format("wsd: master process  {}", *options.name));
  const CommandStatus result = run(master);
  if (master.start_failure()) throw CommandError(CommandStatus::failed, *master.start_failure());
  return result;
}

// In the daemon nobody reads standard error any more: the command that waits hears the reason.
CommandStatus serve_as_daemon(const Plan& plan, const RunDirectory& directory, int log_descriptor,
                              std::vector<InheritedSocket> inherited, StartReport& report) {
  try {
    return serve(plan, directory, log_descriptor, std::move(inherited), report);
  } catch (const CommandError& error) {
    report.failure(error.status(), error.what());
    return error.status();
  } catch (const std::exception& error) {
    report.failure(CommandStatus::failed, error.what());
    return CommandStatus::failed;
  }
}

CommandStatus start_daemon(const Plan& plan, const RunDirectory& directory, const FileDescriptor& log,
                           const FileDescriptor& output, std::vector<InheritedSocket> inherited) {
  const Options& options = plan.options;
  auto daemon = daemonize(output ? output.get() : log.get(), log.get(), directory.log_file(options));
  if (auto* report = std::get_if<StartReport>(&daemon)) {
    return serve_as_daemon(plan, directory, log.get(), std::move(inherited), *report);
  }
  const auto& outcome = std::get<StartOutcome>(daemon);
  if (outcome.status != CommandStatus::done) throw CommandError(outcome.status, outcome.reason);
  if (const auto status = fetch_status(options)) print_banner(*status, options);
  return CommandStatus::done;
}

const MasterState::Plan& wanted_plan(const MasterState& state) {
  const auto plan = std::ranges::find(state.plans, state.wanted_generation, &MasterState::Plan::generation);
  if (plan == state.plans.end()) throw CommandError(CommandStatus::failed, "the state to resume has no options");
  return *plan;
}

}  // namespace

CommandStatus resume_command(int descriptor, bool trial) {
  const MasterState state = load_master_state(descriptor);
  if (trial) {
    try_master_state(state);
    return CommandStatus::done;
  }
  auto options = options_from_json(wanted_plan(state).options);
  if (!options) throw CommandError(CommandStatus::failed, options.error());
  log::use(state.log);
  log::set_level(*options->log_level);
  log::set_format(*options->log_format);
  log::set_role("master");
  const InstanceLock lock{FileDescriptor(state.lock)};
  StartReport nobody;
  Master master(state, *options, lock, nobody);
  worker::set_process_title(fmt::format("wsd: master process  {}", *options->name));
  return run(master);
}

CommandStatus start_command(Plan plan, std::vector<InheritedSocket> inherited) {
  const Options& options = plan.options;
  const RunDirectory directory = RunDirectory::locate(options);
  directory.create();
  const FileDescriptor log = open_log(options, directory);
  const FileDescriptor output = open_stdout_file(options);
  plan.access_log = open_access_log(options);
  if (*options.daemon) return start_daemon(plan, directory, log, output, std::move(inherited));

  if (output) ::dup2(output.get(), STDOUT_FILENO);
  StartReport nobody;
  return serve(plan, directory, log.get(), std::move(inherited), nobody);
}

}  // namespace wsd::master
