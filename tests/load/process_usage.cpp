#include "tests/load/process_usage.h"

#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace wsd::load {
namespace {

std::ifstream open_proc(pid_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  if (!file) throw std::runtime_error("cannot read /proc/" + std::to_string(pid) + "/" + name);
  return file;
}

std::chrono::duration<double> run_time(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    throw std::runtime_error("no CPU clock of process " + std::to_string(pid));
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The fields 14 and 15 of proc(5)'s stat, counted from behind the command's name, which may hold anything.
void add_ticks(pid_t pid, CpuTime& sum) {
  std::string line;
  std::getline(open_proc(pid, "stat"), line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  sum.user += std::chrono::duration<double>(user / per_second);
  sum.system += std::chrono::duration<double>(system / per_second);
}

}  // namespace

CpuTime cpu_time_of(const std::vector<pid_t>& pids) {
  CpuTime sum;
  for (const pid_t pid : pids) {
    sum.total += run_time(pid);
    add_ticks(pid, sum);
  }
  return sum;
}

CpuTime operator-(const CpuTime& after, const CpuTime& before) {
  CpuTime spent{after.total - before.total, after.user - before.user, after.system - before.system};
  const double ticks = (spent.user + spent.system).count();
  const double user_share = ticks > 0 ? spent.user.count() / ticks : 0;
  spent.user = spent.total * user_share;
  spent.system = spent.total - spent.user;
  return spent;
}

Memory memory_of(const std::vector<pid_t>& pids) {
  Memory sum;
  for (const pid_t pid : pids) {
    std::ifstream rollup = open_proc(pid, "smaps_rollup");
    for (std::string line; std::getline(rollup, line);) {
      std::size_t kibibytes = 0;
      if (std::sscanf(line.c_str(), "Rss: %zu", &kibibytes) == 1) sum.resident += kibibytes * 1024;
      if (std::sscanf(line.c_str(), "Pss: %zu", &kibibytes) == 1) sum.proportional += kibibytes * 1024;
      if (std::sscanf(line.c_str(), "Private_Dirty: %zu", &kibibytes) == 1) sum.private_dirty += kibibytes * 1024;
    }
  }
  return sum;
}

}  // namespace wsd::load
