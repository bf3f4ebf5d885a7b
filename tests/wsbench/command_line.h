// `wsbench [options] URL`, read and checked. Prints nothing; asks the resolver, opens nothing else.

#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <variant>

#include "tests/wsbench/options.h"

namespace wsd::bench {

// The command line cannot be understood, or asks for what cannot be. What to do stands in it.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Text for standard output: --help, --version.
struct Help {
  std::string text;
};

// `arguments` without the program's name. Throws UsageError.
[[nodiscard]] std::variant<Options, Help> parse_command_line(std::span<const char* const> arguments);

}  // namespace wsd::bench
