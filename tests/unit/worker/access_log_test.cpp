#include "worker/access_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tests/unit/support/temporary_directory.h"
#include "worker/file_descriptor.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using log::Format;
using testing::EndsWith;
using testing::HasSubstr;
using testing_support::content_of;

constexpr std::chrono::system_clock::time_point noon{1'700'000'000'007ms};

AccessEntry closed() {
  return {.id = 1'125'899'906'842'626,
          .remote = "192.0.2.7",
          .path = "/chat",
          .duration = 12'345ms,
          .traffic = {.messages_in = 3, .messages_out = 12, .bytes_in = 345, .bytes_out = 2048},
          .code = 1000,
          .closed_by = ClosedBy::client};
}

TEST(AccessLine, TellsOfAWebSocketThatIsOver) {
  EXPECT_EQ(access_line(closed(), noon, 2, Format::text),
            "2023-11-14T22:13:20.007Z worker=2 id=1125899906842626 remote=192.0.2.7 status=101 path=\"/chat\" "
            "duration=12.345 messages_in=3 messages_out=12 bytes_in=345 bytes_out=2048 code=1000 closed_by=client\n");
  EXPECT_EQ(access_line(closed(), noon, 2, Format::json),
            R"({"time":"2023-11-14T22:13:20.007Z","worker":2,"id":"1125899906842626","remote":"192.0.2.7",)"
            R"("status":101,"path":"/chat","duration":12.345,"messages_in":3,"messages_out":12,"bytes_in":345,)"
            R"("bytes_out":2048,"code":1000,"closed_by":"client"})"
            "\n");
}

TEST(AccessLine, TellsOfARefusalWhatThereIs) {
  const AccessEntry refused{
      .id = 7, .remote = "192.0.2.7", .path = "/", .status = 403, .origin = "https://evil.example"};
  EXPECT_EQ(access_line(refused, noon, 0, Format::text),
            "2023-11-14T22:13:20.007Z worker=0 id=7 remote=192.0.2.7 status=403 path=\"/\" "
            "origin=\"https://evil.example\"\n");
  const AccessEntry silent{.id = 7, .remote = "192.0.2.7", .status = 503};
  EXPECT_EQ(access_line(silent, noon, 0, Format::json),
            R"({"time":"2023-11-14T22:13:20.007Z","worker":0,"id":"7","remote":"192.0.2.7","status":503})"
            "\n");
}

TEST(AccessLine, StaysOnePrintableLineWhateverClientsSay) {
  AccessEntry entry = closed();
  const std::string nasty("/\n\r\t\x1B[2J\0\x7F\x80\xFF\xC2\x85\" code=1 \\", 25);
  entry.path = entry.origin = entry.subprotocol = entry.reason = nasty;
  for (const Format format : {Format::text, Format::json}) {
    const std::string line = access_line(entry, noon, 0, format);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1);
    EXPECT_TRUE(line.ends_with('\n'));
    const auto is_printable = [](char character) { return character >= ' ' && character != '\x7F'; };
    EXPECT_TRUE(std::ranges::all_of(line.substr(0, line.size() - 1), is_printable)) << line;
  }
  EXPECT_THAT(access_line(entry, noon, 0, Format::text), HasSubstr(R"(path="/\x5cn\x5cr\x5ct\x5ce[2J\x5cx00\x5cx7f)"));
}

TEST(AccessLine, IsOfBoundedLength) {
  AccessEntry entry = closed();
  const std::string longest(100'000, '\x01');
  entry.path = entry.origin = entry.subprotocol = entry.reason = longest;
  for (const Format format : {Format::text, Format::json}) {
    EXPECT_LT(access_line(entry, noon, 0, format).size(), 32U * 1024U);
  }
}

TEST(AccessLine, NamesWhoClosed) {
  for (const auto& [who, name] : {std::pair(ClosedBy::client, "client"), std::pair(ClosedBy::server, "server"),
                                  std::pair(ClosedBy::app, "app"), std::pair(ClosedBy::error, "error")}) {
    AccessEntry entry = closed();
    entry.closed_by = who;
    EXPECT_THAT(access_line(entry, noon, 0, Format::text), EndsWith(std::string("closed_by=") + name + "\n"));
  }
}

TEST(AccessLog, IsOffWithoutADescriptor) {
  EXPECT_FALSE(AccessLog(-1, 0).is_on());
}

TEST(AccessLog, CountsWhatIsLostAndTellsTheLogOfIt) {
  const testing_support::TemporaryDirectory directory;
  const FileDescriptor log_file = log::open_file(directory.file("log"));
  const FileDescriptor file = log::open_file(directory.file("access"));
  log::use(log_file.get());
  const FileDescriptor target(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  AccessLog access_log(target.get(), 0);
  access_log.write(closed());
  access_log.write(closed());
  EXPECT_EQ(access_log.lost(), 2U);
  EXPECT_THAT(content_of(directory.file("log")), HasSubstr("the access log cannot be written: No space left"));
  ASSERT_TRUE(log::replace_file(target.get(), file.get()));
  access_log.reopened();
  access_log.write(closed());
  log::use(STDERR_FILENO);
  EXPECT_EQ(access_log.lost(), 2U);
  EXPECT_THAT(content_of(directory.file("log")), HasSubstr("2 lines of the access log were lost"));
  EXPECT_THAT(content_of(directory.file("access")), EndsWith("closed_by=client\n"));
}

}  // namespace
}  // namespace wsd::worker
