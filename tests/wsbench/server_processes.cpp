#include "tests/wsbench/server_processes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

namespace wsd::bench {

namespace {

constexpr double hardly_busy = 0.01;  // of a core

// Each thread's, since any may have forked. None where the kernel does not tell (CONFIG_PROC_CHILDREN).
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::error_code error;
  for (std::filesystem::directory_iterator thread(fmt::format("/proc/{}/task", pid), error), end;
       !error && thread != end; thread.increment(error)) {
    std::ifstream file(thread->path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

// Without this process and those below it: it may have been started by who is looked at.
void add_family(pid_t pid, std::set<pid_t>& family) {
  if (pid == ::getpid() || !family.insert(pid).second) return;
  for (const pid_t child : children_of(pid)) add_family(child, family);
}

std::optional<load::CpuTime> cpu_time_of(pid_t pid) {
  try {
    return load::cpu_time_of({pid});
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

void operator+=(load::CpuTime& sum, const load::CpuTime& more) {
  sum.total += more.total;
  sum.user += more.user;
  sum.system += more.system;
}

}  // namespace

std::vector<pid_t> families_of(const std::vector<pid_t>& pids) {
  std::set<pid_t> families;
  for (const pid_t pid : pids) add_family(pid, families);
  return {families.begin(), families.end()};
}

void ServerProcesses::begin() {
  usage_.clear();
  look();
  for (auto& [pid, usage] : usage_) usage.before = usage.now;
}

void ServerProcesses::look() {
  for (const pid_t pid : families_of(named_)) {
    if (const auto time = cpu_time_of(pid)) {
      usage_[pid].now = *time;  // of one that is new all of it counts
    } else if (std::ranges::count(named_, pid) > 0 && std::ranges::count(missing_, pid) == 0) {
      missing_.push_back(pid);
    }
  }
}

load::CpuTime ServerProcesses::cpu_time() const {
  load::CpuTime before, now;
  for (const auto& [pid, usage] : usage_) {
    before += usage.before;
    now += usage.now;
  }
  return now - before;
}

std::size_t ServerProcesses::busy(Seconds elapsed) const {
  return static_cast<std::size_t>(std::ranges::count_if(usage_, [elapsed](const auto& entry) {
    const Usage& usage = entry.second;
    return usage.now.total - usage.before.total >= hardly_busy * elapsed;
  }));
}

std::optional<std::string> ServerProcesses::problem() const {
  if (missing_.empty()) return std::nullopt;
  return fmt::format(
      "--pid {}: the server's process has ended, or is not yours to look at; its master's pid would follow those that "
      "it starts",
      fmt::join(missing_, ", "));
}

load::Memory ServerProcesses::memory() const {
  load::Memory sum = load::memory_of(named_);
  for (const pid_t pid : families_of(named_)) {
    if (std::ranges::count(named_, pid) > 0) continue;
    try {
      const load::Memory one = load::memory_of({pid});
      sum.resident += one.resident;
      sum.proportional += one.proportional;
      sum.private_dirty += one.private_dirty;
    } catch (const std::runtime_error&) {  // it has just ended
    }
  }
  return sum;
}

}  // namespace wsd::bench
