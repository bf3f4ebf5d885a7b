#include "worker/process_title.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace wsd::worker {

namespace {

// Where the kernel reads /proc/PID/cmdline from: argv's strings and, behind them without a gap, those of the
// environment.
char* area = nullptr;
std::size_t area_size = 0;

// How far the strings that start at `end` go on without a gap.
char* end_of_strings(char** strings, char* end) {
  for (; *strings != nullptr; ++strings) {
    if (*strings == end) end += std::strlen(end) + 1;
  }
  return end;
}

void move_environment_away() {
  // Kept for the life of the process: getenv() points into it.
  static std::vector<std::string>& strings = *new std::vector<std::string>;
  static std::vector<char*>& pointers = *new std::vector<char*>;
  for (char** variable = environ; *variable != nullptr; ++variable) strings.emplace_back(*variable);
  for (std::string& variable : strings) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  environ = pointers.data();
}

}  // namespace

void init_process_title(int argc, char** argv) {
  if (argc < 1 || argv[0] == nullptr) return;
  area = argv[0];
  char* const end = end_of_strings(environ, end_of_strings(argv, argv[0]));
  area_size = static_cast<std::size_t>(end - area);
  move_environment_away();
}

void set_process_title(std::string_view title) {
  constexpr std::string_view prefix = "wsd: ";
  const std::string thread_name(title.substr(title.starts_with(prefix) ? prefix.size() : 0));
  ::prctl(PR_SET_NAME, thread_name.c_str(), 0, 0, 0);
  if (area_size == 0) return;
  const std::size_t length = std::min(title.size(), area_size - 1);
  std::memcpy(area, title.data(), length);
  std::memset(area + length, 0, area_size - length);
}

}  // namespace wsd::worker
