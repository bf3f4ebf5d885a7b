#include "master/app_trial.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>

#include "master/text_lines.h"
#include "protocol/printable_text.h"
#include "worker/app_host.h"
#include "worker/file_descriptor.h"
#include "worker/module_loader.h"
#include "worker/privileges.h"
#include "worker/tls_context.h"

namespace wsd::master {

namespace {

constexpr unsigned timeout_s = 120;
constexpr std::size_t max_output = 64 * 1024;

// Runs `step`; what it throws is a line of `output`.
template <typename Step>
void report(int output, Step step) {
  std::string problem;
  try {
    step();
    return;
  } catch (const std::exception& error) {
    problem = error.what();
  } catch (...) {
    problem = "the app threw something that is not a std::exception";
  }
  const std::string line = protocol::printable(problem) + '\n';
  [[maybe_unused]] const ssize_t written = ::write(output, line.data(), line.size());
}

void load(const Plan& plan) {
  const std::string& name = *plan.options.app;
  const AppCode code = make_app_code(name, plan.privileges);
  worker::give_up_privileges(plan.privileges);
  const AppModule* module = code.builtin != nullptr ? code.builtin : &worker::load_module(code.module->get(), name);
  const worker::AppHost app(*module, plan.settings);
}

[[noreturn]] void live_as_trial(const Plan& plan, int output) {
  ::alarm(timeout_s);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // what the app prints is no part of what we print
  report(output, [&plan] {
    if (plan.tls.pairs.empty()) return;
    const worker::TlsContext tls(plan.tls, worker::TlsCertificate::Judgement::strict, [] {});
  });
  report(output, [&plan] { load(plan); });
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace

std::vector<std::string> try_app(const Plan& plan) {
  const worker::FileDescriptor output(::memfd_create("wsd:trial", MFD_CLOEXEC));
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (!output || pid < 0) return {fmt::format("the app cannot be tried: {}", std::strerror(errno))};
  if (pid == 0) live_as_trial(plan, output.get());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;

  std::string said(max_output, '\0');
  const ssize_t size = ::pread(output.get(), said.data(), said.size(), 0);
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  std::vector<std::string> problems = lines_of(said);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    problems.push_back(fmt::format("{} could not be tried within {} s", *plan.options.app, timeout_s));
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    problems.push_back(fmt::format("the process that tried {} ended by {}", *plan.options.app,
                                   WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                                       : fmt::format("exit {}", WEXITSTATUS(status))));
  }
  return problems;
}

}  // namespace wsd::master
