#include "master/environment.h"

#include <gmock/gmock.h>

#include "master/option_table.h"
#include "master/option_value.h"

namespace wsd::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Environment read(std::vector<const char*> variables) {
  variables.push_back(nullptr);
  return read_environment(variables.data(), "/srv");
}

TEST(Environment, GivesOptions) {
  const Environment environment =
      read({"PATH=/bin", "WSD_COUNT=3", "WSD_MAX_MESSAGE=64K", "WSD_PAGE=false", "WSD_APP=hello.cpp"});
  EXPECT_THAT(environment.problems, IsEmpty());
  EXPECT_THAT(environment.warnings, IsEmpty());
  EXPECT_EQ(to_json(environment.options), R"({"app":"/srv/hello.cpp","page":false,"count":3,"max_message":65536})");
}

TEST(Environment, HasListsWithCommas) {
  const Environment environment = read({"WSD_TRUSTED_PROXY=10.0.0.0/8, ::1,", "WSD_LISTEN=ws://a:1,unix:b"});
  EXPECT_THAT(*environment.options.trusted_proxy, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_EQ(environment.options.listen->at(1).path, "/srv/b");
}

TEST(Environment, HasOneSettingALine) {
  const Environment environment = read({"WSD_SET=a=1, 2\n b=x=y\n\n", "WSD_SET_FILE=c=token"});
  EXPECT_THAT(*environment.options.set, ElementsAre(Pair("a", "1, 2"), Pair("b", "x=y")));
  EXPECT_THAT(*environment.options.set_file, ElementsAre(Pair("c", "/srv/token")));
}

TEST(Environment, GivesNothingByAnEmptyVariable) {
  EXPECT_EQ(to_json(read({"WSD_COUNT=", "WSD_LISTEN= , ", "WSD_SET=\n"}).options), "{}");
  EXPECT_THAT(read({"WSD_COUNT="}).problems, IsEmpty());
}

TEST(Environment, SaysWhichVariableIsWrong) {
  const auto problems = read({"WSD_COUNT=many", "WSD_LISTEN=ws://a:1,b", "WSD_NAME=\xFF"}).problems;
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_EQ(problems[0].to_string(), "WSD_COUNT: must be a whole number from 1 to 256, not 'many'");
  EXPECT_EQ(problems[0].key, "count");
  EXPECT_EQ(problems[1].place, "WSD_LISTEN");
  EXPECT_THAT(problems[2].text, HasSubstr("UTF-8"));
}

TEST(Environment, WarnsOfWhatLooksLikeAnOption) {
  const Environment environment = read({"WSD_COUTN=3", "WSD_=1", "WSD", "XWSD_COUNT=1"});
  EXPECT_THAT(environment.problems, IsEmpty());
  EXPECT_THAT(environment.warnings,
              ElementsAre("WSD_COUTN in the environment is no option: the nearest is WSD_COUNT", HasSubstr("WSD_ in")));
  EXPECT_THAT(read({"WSD_PORT=tcp://10.0.0.1:80", "WSD_SERVICE_HOST=10.0.0.1", "WSD_PORT_80_TCP=x"}).warnings,
              IsEmpty());
}

TEST(Environment, KnowsEveryOptionOfTheTable) {
  for (const OptionEntry& entry : option_table()) {
    const std::string variable = entry.environment() + "=\xFF";
    const Environment environment = read({variable.c_str()});
    ASSERT_EQ(environment.problems.size(), 1U) << variable;
    EXPECT_EQ(environment.problems.front().key, entry.key);
  }
}

}  // namespace
}  // namespace wsd::master
