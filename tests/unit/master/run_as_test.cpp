#include "master/run_as.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "master/exit_status.h"

namespace wsd::master {
namespace {

std::string failure_of(const std::string& user, const std::string& group) {
  try {
    (void)identity_of(user, group);
  } catch (const CommandError& error) {
    return error.what();
  }
  return {};
}

TEST(RunAs, IsNobodyElseUnlessAskedFor) {
  EXPECT_EQ(identity_of("", ""), std::nullopt);
}

TEST(RunAs, MayNameWhoWeAreAnyway) {
  EXPECT_EQ(identity_of(std::to_string(::geteuid()), std::to_string(::getegid())), std::nullopt);
}

TEST(RunAs, RefusesWhoIsNotThere) {
  EXPECT_EQ(failure_of("no-such-user", ""),
            "there is no user no-such-user; make it (useradd --system no-such-user), or name another with --user");
  EXPECT_EQ(failure_of("root", "no-such-group"),
            "there is no group no-such-group; make it (groupadd --system no-such-group), or name another with --group");
  EXPECT_EQ(failure_of("4712345", ""), "the user 4712345 has no name and no group; name one with --group");
  EXPECT_EQ(failure_of("", "root"), "--group needs --user: whose group is it to be?");
  EXPECT_NE(failure_of("4294967295", "0"), "") << "the kernel's word for nobody at all";
}

class RunAsRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

TEST_F(RunAsRoot, FindsAUserWithGroupAndHome) {
  const auto nobody = identity_of("nobody", "");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->name, "nobody");
  EXPECT_EQ(nobody->user, 65534U);
  EXPECT_EQ(nobody->group, 65534U);
  EXPECT_FALSE(nobody->home.empty());
  EXPECT_EQ(nobody->groups, std::vector<gid_t>{65534}) << "none of ours";
}

TEST_F(RunAsRoot, TakesNumbersAndAnotherGroup) {
  const auto stranger = identity_of("4711234", "4711235");
  ASSERT_TRUE(stranger);
  EXPECT_EQ(stranger->user, 4711234U);
  EXPECT_EQ(stranger->group, 4711235U);
  EXPECT_EQ(stranger->groups, std::vector<gid_t>{4711235});
  const auto nobody = identity_of("65534", "0");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->name, "nobody");
  EXPECT_EQ(nobody->group, 0U);
}

}  // namespace
}  // namespace wsd::master
