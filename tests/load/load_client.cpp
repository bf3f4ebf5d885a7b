// The load client: see the usage in options.cpp.

#include <cstdio>
#include <stdexcept>

#include "tests/load/options.h"
#include "tests/load/runs.h"

namespace {

wsd::load::Report run(const wsd::load::Options& options) {
  switch (options.mode) {
    case wsd::load::Mode::channels:
      return wsd::load::run_channels(options);
    case wsd::load::Mode::exact:
      break;
  }
  return wsd::load::run_exact(options);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = wsd::load::parse_options(argc, argv);
  if (!options) return 2;
  try {
    const wsd::load::Report report = run(*options);
    std::printf("%s\n", report.line().c_str());
    return report.is_clean() ? 0 : 1;
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "load_client: %s\n", error.what());
    return 1;
  }
}
