#include "master/app_build.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "master/descriptors.h"
#include "master/exit_status.h"
#include "master/module_memory.h"
#include "master/text_lines.h"
#include "worker/process_title.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_messages_size = 64 * 1024;
constexpr int exit_compiled = 0;
constexpr int exit_failed = 1;

// The last line that the child writes, behind the compiler's own, says why there is no module.
void write_line(int messages, std::string_view line) {
  const std::string text = fmt::format("{}\n", line);
  [[maybe_unused]] const ssize_t written = ::write(messages, text.data(), text.size());
}

int compile_in_child(const std::string& source, const worker::Privileges& privileges, int module, int messages) {
  try {
    write_app_code(source, privileges, module, messages);
    return exit_compiled;
  } catch (const std::exception& error) {
    write_line(messages, error.what());
    return exit_failed;
  }
}

// As much from its end as is worth showing: the reason is there. Compilers put what matters first, but whoever writes
// 64 KiB of errors has seen enough of them.
std::string read_messages(int messages) {
  const off_t size = ::lseek(messages, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(max_messages_size) ? size - static_cast<off_t>(max_messages_size) : 0;
  std::string text(static_cast<std::size_t>(size - from), '\0');
  const ssize_t read = ::pread(messages, text.data(), text.size(), from);
  text.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
  return text;
}

}  // namespace

AppBuild::AppBuild(std::string source, const worker::Privileges& privileges, int log,
                   const std::function<void()>& prepare_child, TimePoint now)
    : source_(std::move(source)),
      module_(make_module_memory(source_)),
      messages_(::memfd_create("wsd:messages", MFD_CLOEXEC)),
      deadline_(now + timeout) {
  if (!messages_) {
    throw CommandError(CommandStatus::failed, fmt::format("cannot make memory for messages: {}", std::strerror(errno)));
  }
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw CommandError(CommandStatus::failed, fmt::format("cannot fork: {}", std::strerror(errno)));
  if (pid_ > 0) {
    ::setpgid(pid_, pid_);  // here too: whoever comes first
    return;
  }
  ::setpgid(0, 0);
  worker::set_process_title(fmt::format("wsd: compiles {}", source_));
  ::signal(SIGTERM, SIG_IGN);  // the compiler obeys it, we tidy up behind it
  prepare_child();
  close_all_but({STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, log, module_.get(), messages_.get()});
  ::_exit(compile_in_child(source_, privileges, module_.get(), messages_.get()));
}

void AppBuild::handle_time(TimePoint now) {
  if (now < deadline_) return;
  if (!asked_to_end_) return ask_to_end(now);
  ::kill(-pid_, SIGKILL);
  deadline_ = now + kill_grace;
}

void AppBuild::cancel(TimePoint now) {
  cancelled_ = true;
  if (!asked_to_end_) ask_to_end(now);
}

void AppBuild::ask_to_end(TimePoint now) {
  asked_to_end_ = true;
  deadline_ = now + kill_grace;
  ::kill(-pid_, SIGTERM);
}

AppBuild::Outcome AppBuild::finish(int wait_status) {
  Outcome outcome{.code = {}, .messages = lines_of(read_messages(messages_.get())), .failure = {}};
  if (cancelled_) {
    outcome.failure = fmt::format("the server stops before {} is compiled", source_);
  } else if (asked_to_end_) {
    outcome.failure = fmt::format("{} is not compiled after {} s", source_, timeout.count());
  } else if (!WIFEXITED(wait_status)) {
    outcome.failure =
        fmt::format("the process that compiled {} was ended by signal {}", source_, WTERMSIG(wait_status));
  } else if (WEXITSTATUS(wait_status) != exit_compiled) {
    outcome.failure = outcome.messages.empty() ? source_ + " does not compile" : outcome.messages.back();
    if (!outcome.messages.empty()) outcome.messages.pop_back();
  } else {
    outcome.code = seal_app_code(std::move(module_));
  }
  return outcome;
}

}  // namespace wsd::master
