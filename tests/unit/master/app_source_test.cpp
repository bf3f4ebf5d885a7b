#include "master/app_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace wsd::master {
namespace {

TEST(AppSource, IsKnownByItsEnding) {
  EXPECT_EQ(app_kind("echo"), AppKind::builtin);
  EXPECT_EQ(app_kind("hello.cpp"), AppKind::source);
  EXPECT_EQ(app_kind("/srv/hello.cc"), AppKind::source);
  EXPECT_EQ(app_kind("../hello.cxx"), AppKind::source);
  EXPECT_EQ(app_kind("./hello.so"), AppKind::module);
  EXPECT_EQ(app_kind("hello.c"), AppKind::builtin);
  EXPECT_EQ(app_kind(""), AppKind::builtin);
}

TEST(AppSource, IsRootsAloneToWrite) {
  EXPECT_EQ(stranger_with_write_access(0, S_IFREG | 0644, 0), "");
  EXPECT_EQ(stranger_with_write_access(0, S_IFDIR | 0755, 0), "");
  EXPECT_EQ(stranger_with_write_access(1000, S_IFREG | 0644, 0), "belongs to another user");
  EXPECT_EQ(stranger_with_write_access(0, S_IFREG | 0664, 0), "can be written by its group");
  EXPECT_EQ(stranger_with_write_access(0, S_IFREG | 0646, 0), "can be written by everybody");
  EXPECT_EQ(stranger_with_write_access(0, S_IFDIR | 0777, 0), "can be written by everybody");
}

TEST(AppSource, MayBelongToTheUserWhoRunsIt) {
  EXPECT_EQ(stranger_with_write_access(33, S_IFREG | 0644, 33), "");
  EXPECT_EQ(stranger_with_write_access(0, S_IFREG | 0644, 33), "");
  EXPECT_EQ(stranger_with_write_access(1000, S_IFREG | 0644, 33), "belongs to another user");
  EXPECT_EQ(stranger_with_write_access(33, S_IFREG | 0664, 33), "can be written by its group");
}

TEST(AppSource, MayLieInADirectoryWithTheStickyBit) {
  EXPECT_EQ(stranger_with_write_access(0, S_IFDIR | S_ISVTX | 0777, 0), "");
  EXPECT_EQ(stranger_with_write_access(1000, S_IFDIR | S_ISVTX | 0777, 0), "belongs to another user");
  EXPECT_EQ(stranger_with_write_access(0, S_IFREG | S_ISVTX | 0666, 0), "can be written by everybody");
}

}  // namespace
}  // namespace wsd::master
