#include "worker/module_loader.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "worker/file_descriptor.h"

namespace wsd::worker {
namespace {

using testing::HasSubstr;

TEST(AbiTag, NamesNumberCompilerLibraryStandardAndPointers) {
  const std::string tag = WSD_ABI_TAG;
  EXPECT_THAT(tag, testing::MatchesRegex("wsd-[0-9]+ (gcc|clang)-[0-9]+ lib.*[0-9] c\\+\\+[0-9]+L [48]-byte-pointers"));
}

TEST(ModuleLoader, AcceptsItsOwnTagAlone) {
  EXPECT_EQ(abi_mismatch("a.so", WSD_ABI_TAG, WSD_ABI_TAG), "");
  const std::string sentence = abi_mismatch("a.so", "wsd-0 old", "wsd-1 new");
  EXPECT_THAT(sentence, HasSubstr("a.so was built for \"wsd-0 old\" and this server is \"wsd-1 new\""));
  EXPECT_EQ(sentence.find('\n'), std::string::npos);
}

TEST(ModuleLoader, NamesTheAppAndNotTheDescriptorInItsErrors) {
  const FileDescriptor memory(::memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(::write(memory.get(), "no module", 9), 9);
  try {
    (void)load_module(memory.get(), "/srv/app.so");
    FAIL() << "was loaded";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot load /srv/app.so: "));
    EXPECT_EQ(std::string(error.what()).find("/proc/self"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace wsd::worker
