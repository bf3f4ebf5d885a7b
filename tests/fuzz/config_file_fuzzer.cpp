// A configuration file, whatever it has: it is read, or each thing that is wrong has its line. What was read are
// options like any others.

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "master/config_file.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const master::ConfigFile file = master::parse_config(text, "/etc/wsd/wsd.toml");

  const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const master::ConfigProblem& problem : file.problems) {
    unsigned line = 0;
    const std::string_view number =
        std::string_view(problem.place).substr(std::string_view("/etc/wsd/wsd.toml:").size());
    std::from_chars(number.data(), number.data() + number.size(), line);
    FUZZ_ASSERT(line >= 1 && line <= lines);
    FUZZ_ASSERT(!problem.text.empty());
  }
  FUZZ_ASSERT(file.readable || file.problems.size() == 1);

  const std::string json = to_json(file.options);
  auto again = master::options_from_json(json);
  FUZZ_ASSERT(again && to_json(*again) == json);
  return 0;
}
