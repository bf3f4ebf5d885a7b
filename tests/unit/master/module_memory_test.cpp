#include "master/module_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "master/app_code.h"
#include "master/exit_status.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

TEST(ModuleMemory, KeepsItsBytesWhateverBecomesOfTheFile) {
  const testing_support::TemporaryDirectory directory;
  const std::string file = directory.path() + "/app.so";
  const std::string content(3'000'000, 'm');
  std::ofstream(file) << content;
  const auto memory = make_module_memory(file);
  copy_to_module_memory(file, memory.get());
  std::ofstream(file) << "other";
  std::string read(content.size() + 1, '\0');
  EXPECT_EQ(::pread(memory.get(), read.data(), read.size(), 0), static_cast<ssize_t>(content.size()));
  EXPECT_EQ(read.substr(0, content.size()), content);
}

TEST(ModuleMemory, CannotBeChangedOnceItIsSealed) {
  auto memory = make_module_memory("app.so");
  ASSERT_EQ(::write(memory.get(), "code", 4), 4);
  const AppCode code = seal_app_code(std::move(memory));
  EXPECT_EQ(::pwrite(code.module->get(), "evil", 4, 0), -1);
  EXPECT_EQ(::ftruncate(code.module->get(), 0), -1);
  EXPECT_EQ(::fcntl(code.module->get(), F_ADD_SEALS, 0), -1);
  seal_module_memory(code.module->get());
}

TEST(ModuleMemory, TakesRegularFilesAlone) {
  const auto memory = make_module_memory("app.so");
  EXPECT_THROW(copy_to_module_memory("/dev/zero", memory.get()), CommandError);
  EXPECT_THROW(copy_to_module_memory("/nowhere/app.so", memory.get()), CommandError);
}

TEST(AppCode, OfAnUnknownAppNamesTheNearest) {
  try {
    (void)load_app_code("pusj");
    FAIL() << "is no app";
  } catch (const CommandError& error) {
    EXPECT_EQ(error.status(), CommandStatus::failed);
    EXPECT_THAT(error.what(), testing::HasSubstr("is push"));
  }
  EXPECT_NE(load_app_code("echo").builtin, nullptr);
}

}  // namespace
}  // namespace wsd::master
