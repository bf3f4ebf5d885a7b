#include "master/app_compiler.h"

#include <gmock/gmock.h>

#include "master/app_cache.h"

namespace wsd::master {
namespace {

using testing::Contains;
using testing::ElementsAre;

TEST(AppCompiler, IsTheOneThatBuiltTheServerUnlessAnotherIsNamed) {
  const auto own = compiler_command(nullptr, "/include", "/a.cpp", "/a.so");
  EXPECT_NE(own.front(), "");
  EXPECT_EQ(compiler_command("", "/include", "/a.cpp", "/a.so"), own);
  const auto named = compiler_command(" ccache  g++ ", "/include", "/a.cpp", "/a.so");
  EXPECT_EQ(named[0], "ccache");
  EXPECT_EQ(named[1], "g++");
  EXPECT_EQ(named.size(), own.size() + 1);
}

TEST(AppCompiler, GetsFilesAsWholeArgumentsAndTheServersFlags) {
  const auto command = compiler_command("c++", "/the include", "/my app.cpp", "/out put.so");
  EXPECT_THAT(command, Contains("-std=c++20"));
  EXPECT_THAT(command, Contains("-fPIC"));
  EXPECT_THAT(command, Contains("-shared"));
  EXPECT_THAT(std::vector<std::string>(command.end() - 5, command.end()),
              ElementsAre("-I", "/the include", "-o", "/out put.so", "/my app.cpp"));
}

TEST(AppCompiler, FindsTheHeaderOfTheSourceTreeForAServerThatIsNotInstalled) {
  EXPECT_THAT(header_directory("/nowhere/bin/wsd"), testing::EndsWith("worker/include"));
}

TEST(AppCache, GivesEachSourceAFileOfItsOwn) {
  EXPECT_EQ(module_file("/cache", "/srv/a.cpp"), module_file("/cache", "/srv/a.cpp"));
  EXPECT_NE(module_file("/cache", "/srv/a.cpp"), module_file("/cache", "/opt/a.cpp"));
  EXPECT_THAT(module_file("/cache", "/srv/a.cpp"), testing::MatchesRegex("/cache/a-[0-9a-f]+\\.so"));
}

}  // namespace
}  // namespace wsd::master
