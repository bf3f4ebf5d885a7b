// The load client: see the usage in options.cpp.

#include <cstdio>
#include <stdexcept>

#include "tests/load/exact_run.h"
#include "tests/load/options.h"

int main(int argc, char** argv) {
  const auto options = wsd::load::parse_options(argc, argv);
  if (!options) return 2;
  try {
    const wsd::load::Report report = wsd::load::run_exact(*options);
    std::printf("%s\n", report.line().c_str());
    return report.is_clean() ? 0 : 1;
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "load_client: %s\n", error.what());
    return 1;
  }
}
