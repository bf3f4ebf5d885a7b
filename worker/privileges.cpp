#include "worker/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "worker/log.h"

namespace wsd::worker {

namespace {

[[noreturn]] void fail(const std::string& name, std::string_view what) {
  throw std::runtime_error(fmt::format("cannot run as {}: {}", name, what));
}

void check(int result, const Identity& identity, std::string_view operation) {
  if (result == 0) return;
  const int error = errno;
  fail(identity.name, fmt::format("{}: {}{}", operation, std::strerror(error),
                                  error == EPERM ? "; the master needs CAP_SETUID and CAP_SETGID for it" : ""));
}

// Without CAP_SETPCAP what is left in it is of no use either, with no_new_privs and another user.
void empty_bounding_set() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
}

void verify(const Identity& identity) {
  std::array<uid_t, 3> users{};
  std::array<gid_t, 3> groups{};
  check(::getresuid(&users[0], &users[1], &users[2]), identity, "getresuid");
  check(::getresgid(&groups[0], &groups[1], &groups[2]), identity, "getresgid");
  const auto is_users = [&identity](uid_t user) { return user == identity.user; };
  const auto is_groups = [&identity](gid_t group) { return group == identity.group; };
  if (!std::ranges::all_of(users, is_users)) fail(identity.name, "the kernel left another user in place");
  if (!std::ranges::all_of(groups, is_groups)) fail(identity.name, "the kernel left another group in place");
  if (identity.user != 0 && (::setuid(0) == 0 || ::setresuid(0, 0, 0) == 0))
    fail(identity.name, "it could return to be root");
}

// Groups first: who has become another may not change them any more.
void become(const Identity& identity) {
  empty_bounding_set();
  check(::setgroups(identity.groups.size(), identity.groups.data()), identity, "setgroups");
  check(::setresgid(identity.group, identity.group, identity.group), identity, "setresgid");
  check(::setresuid(identity.user, identity.user, identity.user), identity, "setresuid");
  verify(identity);
  ::setenv("HOME", identity.home.c_str(), 1);
  ::setenv("USER", identity.name.c_str(), 1);
  ::setenv("LOGNAME", identity.name.c_str(), 1);
}

// A service manager may have given some to an ordinary user (AmbientCapabilities=).
void drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) == 0) return;
  throw std::runtime_error(fmt::format("cannot give up capabilities: {}", std::strerror(errno)));
}

void allow_core_dumps(bool allowed) {
  rlimit limit{};
  if (allowed) {
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max == 0) log::warning("no core dumps: the hard limit is 0 (LimitCORE, ulimit -Hc)");
  }
  ::setrlimit(RLIMIT_CORE, &limit);
  // Also against a core_pattern that is a program, which the limit does not hold back.
  ::prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0);
}

}  // namespace

void give_up_privileges(const Privileges& privileges) {
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  if (privileges.identity) become(*privileges.identity);
  if (::geteuid() != 0) drop_capabilities();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    throw std::runtime_error(fmt::format("cannot set no_new_privs: {}", std::strerror(errno)));
  }
  if (privileges.umask) ::umask(*privileges.umask);
  if (privileges.core_dumps) allow_core_dumps(*privileges.core_dumps);
}

}  // namespace wsd::worker
