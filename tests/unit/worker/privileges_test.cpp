#include "worker/privileges.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

#include "tests/unit/support/child_process.h"

namespace wsd::worker {
namespace {

using testing_support::ChildProcess;

Identity stranger() {
  return {.name = "stranger", .home = "/nowhere", .user = 4711, .group = 4712, .groups = {4712, 4713}};
}

// The line of /proc/self/status, without its name and blanks around it.
std::string own_status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ":")) continue;
    const std::size_t from = line.find_first_not_of(" \t", name.size() + 1);
    return from == std::string::npos ? "" : line.substr(from, line.find_last_not_of(' ') + 1 - from);
  }
  return "(none)";
}

// What holds in a child that has given up its privileges: false is what it exits with.
bool holds_after(const Privileges& privileges, const std::function<bool()>& what) {
  ChildProcess child([&](const auto& ready) {
    ready();
    try {
      give_up_privileges(privileges);
      return what() ? 0 : 1;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 2;
    }
  });
  const int status = child.wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_NE(WEXITSTATUS(status), 2);
  return WEXITSTATUS(status) == 0;
}

class PrivilegesOfRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_F(PrivilegesOfRoot, AreGoneForGood) {
  EXPECT_TRUE(holds_after({.identity = stranger()}, [] {
    const std::string none = "0000000000000000";
    return own_status("Uid") == "4711\t4711\t4711\t4711" && own_status("Gid") == "4712\t4712\t4712\t4712" &&
           own_status("Groups") == "4712 4713" && own_status("CapInh") == none && own_status("CapPrm") == none &&
           own_status("CapEff") == none && own_status("CapBnd") == none && own_status("CapAmb") == none &&
           own_status("NoNewPrivs") == "1" && ::setuid(0) != 0 && ::setgid(0) != 0;
  }));
}

TEST_F(PrivilegesOfRoot, LeaveNoGroupBehind) {
  Identity identity = stranger();
  identity.groups = {};
  EXPECT_TRUE(holds_after({.identity = identity}, [] { return own_status("Groups").empty(); }));
}

TEST_F(PrivilegesOfRoot, TakeTheNameAndHomeAlong) {
  EXPECT_TRUE(holds_after({.identity = stranger()}, [] {
    return std::getenv("HOME") == std::string("/nowhere") && std::getenv("USER") == std::string("stranger") &&
           std::getenv("LOGNAME") == std::string("stranger");
  }));
}

TEST_F(PrivilegesOfRoot, ThatCannotBeGivenUpAreAFailure) {
  ChildProcess child([](const auto& ready) {
    ready();
    try {
      give_up_privileges({.identity = stranger()});  // now without any
      give_up_privileges({.identity = Identity{.name = "another", .home = "/", .user = 1, .group = 1, .groups = {}}});
    } catch (const std::runtime_error& error) {
      return std::string(error.what()).starts_with("cannot run as another: setgroups: ") ? 0 : 1;
    }
    return 2;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST(Privileges, OfWhomeverIsNotAnotherAreNotNewOnes) {
  EXPECT_TRUE(holds_after(
      {}, [before = own_status("Uid")] { return own_status("Uid") == before && own_status("NoNewPrivs") == "1"; }));
}

TEST(Privileges, SayWhatFilesAreMadeWith) {
  EXPECT_TRUE(holds_after({.umask = 027}, [] { return ::umask(0) == 027; }));
}

TEST(Privileges, SayWhetherACoreMayBeLeft) {
  EXPECT_TRUE(holds_after({.core_dumps = false}, [] {
    rlimit limit{};
    return ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
  }));
  EXPECT_TRUE(holds_after({.core_dumps = true}, [] {
    rlimit limit{};
    return ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == limit.rlim_max &&
           ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
  }));
}

TEST_F(PrivilegesOfRoot, GoneTakeCoresWithThemUnlessTheyAreWanted) {
  EXPECT_TRUE(holds_after({.identity = stranger()}, [] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1; }));
  EXPECT_TRUE(holds_after({.identity = stranger(), .core_dumps = true},
                          [] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1; }));
}

}  // namespace
}  // namespace wsd::worker
