// The server's processes: those of --pid and all that descend from them, those too that come and go meanwhile. So the
// pid of a master is enough, whatever it replaces.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/load/process_usage.h"
#include "tests/wsbench/clock.h"

namespace wsd::bench {

class ServerProcesses {
 public:
  explicit ServerProcesses(std::vector<pid_t> named) : named_(std::move(named)) {}

  // Their CPU time counts from here on.
  void begin();
  // To be called often: what a process has used since the last look before its end is missing.
  void look();

  // Since begin(), as of the last look.
  [[nodiscard]] load::CpuTime cpu_time() const;
  // Of them, how many have used one hundredth or more of a core.
  [[nodiscard]] std::size_t busy(Seconds elapsed) const;
  // The named ones that are there no more, or not the user's to look at, in words.
  [[nodiscard]] std::optional<std::string> problem() const;

  // Of all that live. Throws std::runtime_error when a named one cannot be looked at.
  [[nodiscard]] load::Memory memory() const;

 private:
  struct Usage {
    load::CpuTime before, now;
  };

  std::vector<pid_t> named_;
  std::vector<pid_t> missing_;  // of them
  std::map<pid_t, Usage> usage_;
};

// They and their descendants that live, each once.
[[nodiscard]] std::vector<pid_t> families_of(const std::vector<pid_t>& pids);

}  // namespace wsd::bench
