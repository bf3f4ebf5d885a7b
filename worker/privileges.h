// What a child of the master gives up before it runs a line of an application's, or a compiler: who it is, what it may
// become, and what it leaves behind.
//
// Decided by the master (master/run_as.h), which stays who it is; given up by each child itself, for good.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace wsd::worker {

// Whom a child of root becomes.
struct Identity {
  std::string name;
  std::string home;
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // all that it is to be in, and no others
  bool operator==(const Identity&) const = default;
};

struct Privileges {
  std::optional<Identity> identity = {};  // nobody: it stays who it is
  std::optional<mode_t> umask = {};       // of files that it makes; not given: as inherited
  std::optional<bool> core_dumps = {};    // not given: as the system has it, which is no for who has become another
  bool operator==(const Privileges&) const = default;
};

// In a child. Sets HOME, USER and LOGNAME too where it becomes another. Nobody but root keeps a capability, and nobody
// gets one back. The service manager is the master's to talk to: its variables go. Verified: throws std::runtime_error
// if anything of it did not happen.
void give_up_privileges(const Privileges& privileges);

}  // namespace wsd::worker
