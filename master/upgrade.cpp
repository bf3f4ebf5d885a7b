#include "master/upgrade.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "master/app_code.h"
#include "master/descriptors.h"
#include "master/exit_status.h"
#include "master/ledger.h"
#include "master/options.h"
#include "master/plans.h"
#include "master/supervision.h"
#include "worker/app_host.h"
#include "worker/memory_file.h"
#include "worker/module_loader.h"

namespace wsd::master {

namespace {

using worker::FileDescriptor;

constexpr std::size_t max_output = 2000;

[[noreturn]] void fail(const std::string& reason) {
  throw CommandError(CommandStatus::failed, reason);
}

FileDescriptor in_memory(const MasterState& state) {
  FileDescriptor memory = worker::make_memory_file("wsd-state", encode(state).bytes());
  if (!memory) fail(fmt::format("no memory for the state: {}", std::strerror(errno)));
  return memory;
}

enum class AtExec : int { keep = 0, close = FD_CLOEXEC };

void set_at_exec(const std::vector<int>& descriptors, AtExec what) {
  for (const int descriptor : descriptors) ::fcntl(descriptor, F_SETFD, static_cast<int>(what));
}

void exec(const MasterState& state, int memory, const char* option) {
  const std::string number = std::to_string(memory);
  const char* arguments[] = {state.program.c_str(), resume_command_name, number.c_str(), option, nullptr};
  ::execv(state.program.c_str(), const_cast<char* const*>(arguments));
}

[[noreturn]] void live_as_trial(const MasterState& state, int memory, int output,
                                const std::function<void()>& prepare_child) {
  prepare_child();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  // Neither listening sockets nor lines to workers: a copy of those would outlive what the master does meanwhile.
  std::vector<int> kept = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, memory, state.scoreboard};
  kept.insert(kept.end(), state.older_scoreboards.begin(), state.older_scoreboards.end());
  for (const MasterState::Plan& plan : state.plans) {
    if (plan.module != -1) kept.push_back(plan.module);
  }
  set_at_exec(kept, AtExec::keep);
  close_all_but(kept);
  exec(state, memory, "--trial");
  const std::string reason = fmt::format("{} cannot be run: {}\n", state.program, std::strerror(errno));
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, reason.data(), reason.size());
  ::_exit(1);
}

}  // namespace

// ---- in the old binary ----------------------------------------------------------------------------------------------

UpgradeTrial::UpgradeTrial(const MasterState& state, const std::function<void()>& prepare_child, TimePoint now)
    : output_(::memfd_create("wsd-trial", MFD_CLOEXEC)), deadline_(now + timeout) {
  const FileDescriptor memory = in_memory(state);
  pid_ = ::fork();
  if (pid_ < 0) fail(fmt::format("cannot fork: {}", std::strerror(errno)));
  if (pid_ == 0) live_as_trial(state, memory.get(), output_.get(), prepare_child);
}

void UpgradeTrial::handle_time(TimePoint now) {
  if (now < deadline_ || std::exchange(timed_out_, true)) return;
  deadline_ = TimePoint::max();
  ::kill(pid_, SIGKILL);
}

void UpgradeTrial::cancel() {
  ::kill(pid_, SIGKILL);
}

std::string UpgradeTrial::finish(int wait_status) const {
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return {};
  if (timed_out_) return fmt::format("the new binary was not done with its trial within {} s", timeout.count());
  std::string said(max_output, '\0');
  const ssize_t size = ::pread(output_.get(), said.data(), said.size(), 0);
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  while (said.ends_with('\n')) said.pop_back();
  if (!said.empty()) return said;
  const ExitStatus status = WIFSIGNALED(wait_status) ? ExitStatus{.signal = WTERMSIG(wait_status)}
                                                     : ExitStatus{.code = WEXITSTATUS(wait_status)};
  return fmt::format("the new binary ended its trial with {}", to_string(status));
}

std::string exec_in_place(const MasterState& state) {
  const FileDescriptor memory = in_memory(state);
  std::vector<int> kept = state.descriptors();
  kept.push_back(memory.get());
  set_at_exec(kept, AtExec::keep);
  exec(state, memory.get(), nullptr);
  const int error = errno;
  set_at_exec(kept, AtExec::close);
  return fmt::format("{} cannot be run: {}", state.program, std::strerror(error));
}

// ---- in the new binary ----------------------------------------------------------------------------------------------

MasterState load_master_state(int descriptor) {
  const FileDescriptor memory(descriptor);
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0) fail("there is no state to resume: this command is wsd's own");
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  const ssize_t size = ::pread(memory.get(), bytes.data(), bytes.size(), 0);
  auto state = decode_master_state(std::span(bytes).first(static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
  if (!state) fail("the state of the running server cannot be read by this version; use `wsd restart`");
  set_at_exec(state->descriptors(), AtExec::close);
  return std::move(*state);
}

void try_master_state(const MasterState& state) {
  try {
    const Ledger books(state);  // theirs are the descriptors from here on: a trial needs them no more
  } catch (const std::exception& error) {
    fail(fmt::format("{}; use `wsd restart`", error.what()));
  }
  for (const MasterState::Plan& plan : state.plans) {
    auto options = options_from_json(plan.options);
    if (!options)
      fail(fmt::format("the options of the running server mean nothing to this version: {}", options.error()));
    if (plan.module == -1) (void)load_app_code(*options->app);
    if (plan.generation != state.wanted_generation) continue;
    // As the reload will do that follows.
    auto layers = layers_of(plan);
    if (!layers)
      fail(fmt::format("the options of the running server mean nothing to this version: {}", layers.error()));
    const Plan next = make_plan(*layers);
    worker::give_up_privileges(next.privileges);
    const std::string& name = *next.options.app;
    const AppModule* module =
        next.code.builtin != nullptr ? next.code.builtin : &worker::load_module(next.code.module->get(), name);
    const worker::AppHost app(*module, next.settings);
  }
}

}  // namespace wsd::master
