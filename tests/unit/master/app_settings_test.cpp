#include "master/app_settings.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <utility>

#include "master/exit_status.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class AppSettings : public testing::Test {
 protected:
  Settings read(std::initializer_list<std::pair<const char*, std::string>> texts) {
    Options options;
    for (const auto& [key, text] : texts) EXPECT_EQ(options.set_text(key, text), std::nullopt);
    return read_app_settings(options);
  }
  std::string refusal(std::initializer_list<std::pair<const char*, std::string>> texts) {
    try {
      read(texts);
    } catch (const CommandError& error) {
      EXPECT_EQ(error.status(), CommandStatus::usage);
      return error.what();
    }
    return "accepted";
  }

  testing_support::TemporaryDirectory directory;
  std::string file = made_private(directory.file("secret"));

  static std::string made_private(const std::string& path) {
    std::ofstream{path};
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    return path;
  }
};

TEST_F(AppSettings, AreGivenOrReadFromFiles) {
  std::ofstream(file) << "p=ss word\r\n";
  EXPECT_THAT(read({{"set", "a=1"}, {"set_file", "b=" + file}}), ElementsAre(Pair("a", "1"), Pair("b", "p=ss word")));
  std::ofstream(file) << "two\n\n";
  EXPECT_THAT(read({{"set_file", "b=" + file}}), ElementsAre(Pair("b", "two\n"))) << "one newline goes";
}

TEST_F(AppSettings, SayWhyTheyCannotBeRead) {
  EXPECT_THAT(refusal({{"set_file", "b=/no/file"}}), HasSubstr("cannot read the setting b in /no/file: No such file"));
  EXPECT_THAT(refusal({{"set_file", "b=" + directory.path()}}), HasSubstr("not a file"));
  std::ofstream(file) << "\xFF";
  EXPECT_THAT(refusal({{"set_file", "b=" + file}}), HasSubstr("not UTF-8"));
  std::ofstream(file) << std::string(64 * 1024 + 1, 'x');
  EXPECT_THAT(refusal({{"set_file", "b=" + file}}), HasSubstr("more than 65536 bytes"));
  EXPECT_THAT(refusal({{"set", "b=1"}, {"set_file", "b=" + file}}), HasSubstr("given twice"));
}

}  // namespace
}  // namespace wsd::master
