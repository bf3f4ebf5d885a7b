// wsbench: load on a WebSocket server, and the proof that it answers right. See docs/wsbench.md.

#include <cstdio>
#include <exception>
#include <span>
#include <variant>

#include "tests/wsbench/command_line.h"
#include "tests/wsbench/report.h"
#include "tests/wsbench/run.h"

namespace {

enum ExitStatus { verified = 0, not_verified = 1, usage = 2 };

ExitStatus bench(const wsd::bench::Options& options) {
  if (!options.is_json) {
    std::fputs(heading(options).c_str(), stdout);
    std::fflush(stdout);
  }
  const wsd::bench::Outcome outcome = run(options);
  const std::string report = options.is_json ? json_report(options, outcome) + "\n" : text_report(options, outcome);
  std::fputs(report.c_str(), stdout);
  return outcome.is_clean() ? verified : not_verified;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
    const auto parsed = wsd::bench::parse_command_line(arguments.subspan(1));
    if (const auto* help = std::get_if<wsd::bench::Help>(&parsed)) {
      std::fputs(help->text.c_str(), stdout);
      return verified;
    }
    return bench(std::get<wsd::bench::Options>(parsed));
  } catch (const wsd::bench::UsageError& error) {
    std::fprintf(stderr, "wsbench: %s\n", error.what());
    return usage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wsbench: %s\n", error.what());
    return not_verified;
  }
}
