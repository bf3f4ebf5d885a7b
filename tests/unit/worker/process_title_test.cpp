#include "worker/process_title.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::worker {
namespace {

std::string content_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The strings of a process's start as the kernel lays them out: one behind the other.
class StartArea {
 public:
  explicit StartArea(const std::vector<std::string_view>& strings) {
    for (const std::string_view text : strings) bytes_.append(text).push_back('\0');
    for (std::size_t at = 0; at < bytes_.size(); at += std::strlen(&bytes_[at]) + 1) argv_.push_back(&bytes_[at]);
    argc_ = static_cast<int>(argv_.size());
    argv_.push_back(nullptr);
  }
  int argc() const { return argc_; }
  char** argv() { return argv_.data(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::vector<char*> argv_;
  int argc_;
};

// Both change the process for good, so they run in a child.
bool holds_in_a_process(bool (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST(ProcessTitle, FillsTheRoomThereIsAndNoMore) {
  EXPECT_TRUE(holds_in_a_process([] {
    StartArea area({"wsd", "start", "-d"});
    init_process_title(area.argc(), area.argv());
    set_process_title("wsd: x");
    const bool padded = area.bytes() == std::string("wsd: x") + std::string(area.bytes().size() - 6, '\0');
    set_process_title("wsd: worker process  wsd/2");
    return padded && area.bytes().substr(0, 12) == "wsd: worker " && area.bytes().back() == '\0';
  }));
}

TEST(ProcessTitle, NamesTheThreadToo) {
  EXPECT_TRUE(holds_in_a_process([] {
    set_process_title("wsd: worker process  wsd/2");
    return content_of("/proc/self/comm") == "worker process \n";
  }));
}

TEST(ProcessTitle, KeepsTheEnvironment) {
  EXPECT_TRUE(holds_in_a_process([] {
    ::setenv("WSD_TEST_VALUE", "kept", 1);
    StartArea area({"wsd"});
    init_process_title(area.argc(), area.argv());
    set_process_title("wsd: master process  wsd");
    const char* const value = std::getenv("WSD_TEST_VALUE");
    ::setenv("WSD_TEST_OTHER", "new", 1);
    return value != nullptr && std::string_view(value) == "kept" && std::getenv("WSD_TEST_OTHER") != nullptr;
  }));
}

TEST(ProcessTitle, IsHarmlessWithoutAnArgumentVector) {
  EXPECT_TRUE(holds_in_a_process([] {
    init_process_title(0, nullptr);
    set_process_title("wsd: x");
    return true;
  }));
}

}  // namespace
}  // namespace wsd::worker
