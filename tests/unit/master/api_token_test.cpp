#include "master/api_token.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <string>

#include "master/exit_status.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;

constexpr const char* good = "0123456789abcdef";

class ApiToken : public testing::Test {
 protected:
  void write(const std::string& content, mode_t mode = 0600) {
    testing_support::write_file(path_, content);
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    ASSERT_EQ(options_.set_text("api_token_file", path_), std::nullopt);
  }

  std::string refusal() {
    try {
      return "accepted: " + read_api_token(options_);
    } catch (const CommandError& error) {
      EXPECT_EQ(error.status(), CommandStatus::usage);
      EXPECT_THAT(error.what(), Not(HasSubstr(good)));
      return error.what();
    }
  }

  testing_support::TemporaryDirectory directory_;
  const std::string path_ = directory_.file("token");
  Options options_;
};

TEST_F(ApiToken, IsEmptyWhereNoneIsNeeded) {
  EXPECT_EQ(read_api_token(options_), "");
  ASSERT_EQ(options_.set_text("api", "http://127.0.0.1:8090"), std::nullopt);
  ASSERT_EQ(options_.set_text("api", "unix:/run/api"), std::nullopt);
  EXPECT_EQ(read_api_token(options_), "");
}

TEST_F(ApiToken, IsNeededWhereOtherMachinesReachTheApi) {
  ASSERT_EQ(options_.set_text("api", "http://0.0.0.0:8090"), std::nullopt);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("http://0.0.0.0:8090"), HasSubstr("--api-token-file")));
  write(good);
  EXPECT_EQ(read_api_token(options_), good);
}

TEST_F(ApiToken, IsTheFileWithoutItsLastNewline) {
  for (const char* end : {"", "\n", "\r\n"}) {
    write(std::string(good) + end);
    EXPECT_EQ(read_api_token(options_), good);
  }
}

TEST_F(ApiToken, MayBeReadByTheGroup) {
  write(good, 0640);
  EXPECT_EQ(read_api_token(options_), good);
}

TEST_F(ApiToken, IsRefusedWhereEveryUserCouldReadOrChangeIt) {
  for (const mode_t mode : {0644U, 0602U, 0601U}) {
    write(good, mode);
    EXPECT_THAT(refusal(), HasSubstr("chmod o= " + path_)) << std::oct << mode;
  }
}

TEST_F(ApiToken, IsRefusedWhereItIsNone) {
  write("");
  EXPECT_THAT(refusal(), HasSubstr("is empty"));
  write("\n");
  EXPECT_THAT(refusal(), HasSubstr("is empty"));
  write("0123456789abcde\n");
  EXPECT_THAT(refusal(), HasSubstr("less than 16 characters"));
  write("0123456789 abcdef");
  EXPECT_THAT(refusal(), HasSubstr("blanks"));
  write("0123456789abcdef\n\n");
  EXPECT_THAT(refusal(), HasSubstr("blanks"));
  write(std::string(512, 'x') + "\r\n");
  EXPECT_EQ(read_api_token(options_).size(), 512U);
  for (const std::size_t size : std::initializer_list<std::size_t>{513, 514, 515, 100'000}) {
    write(std::string(size, 'x'));
    EXPECT_THAT(refusal(), HasSubstr("more than 512 characters")) << size;
  }
}

TEST_F(ApiToken, IsRefusedWhereThereIsNoSuchFile) {
  ASSERT_EQ(options_.set_text("api_token_file", path_), std::nullopt);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_), HasSubstr("No such file")));
  ASSERT_EQ(options_.set_text("api_token_file", directory_.path()), std::nullopt);
  EXPECT_THAT(refusal(), HasSubstr("is not a file"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  ASSERT_EQ(options_.set_text("api_token_file", path_), std::nullopt);
  EXPECT_THAT(refusal(), HasSubstr("is not a file"));
}

}  // namespace
}  // namespace wsd::master
