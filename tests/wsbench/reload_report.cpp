#include "tests/wsbench/reload_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/wsbench/figures.h"

namespace wsd::bench {
namespace {

Seconds longest(const Outcome& outcome) {
  Seconds longest{0};
  for (const Disturbance::Execution& execution : outcome.disturbances) longest = std::max(longest, execution.duration);
  return longest;
}

// The first that is none of success.
int status_of(const Outcome& outcome) {
  for (const Disturbance::Execution& execution : outcome.disturbances) {
    if (execution.status != 0) return execution.status;
  }
  return 0;
}

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

}  // namespace

std::string reload_lines(const Options& options, const Outcome& outcome) {
  if (options.reload_command.empty()) return "";
  const std::size_t times = outcome.disturbances.size();
  const std::string took = time_text(std::chrono::round<std::chrono::nanoseconds>(longest(outcome)));
  std::string text = fmt::format("  Reload: {} time{}, status {}, took {}{}\n", times, times == 1 ? "" : "s",
                                 status_of(outcome), times > 1 ? "at most " : "", took);
  if (outcome.disturbed_after_load > Seconds(0)) {
    const auto after = std::chrono::round<std::chrono::nanoseconds>(outcome.disturbed_after_load);
    text +=
        fmt::format("    the last {} of it came after the load, unseen: a longer -d shows more\n", time_text(after));
  }
  const ErrorCounts& errors = outcome.errors;
  text += fmt::format("    connections closed {}, opened anew {} (after {} attempts in vain)\n", errors.closed,
                      outcome.reconnected, outcome.failed_reconnects);
  text += fmt::format("    lost {}, doubled {}, reordered {}, not sent for want of a connection {}\n", errors.lost,
                      errors.doubled, errors.reordered, outcome.unsent);
  if (outcome.gaps.since == Clock::duration::zero()) return text;
  return text + fmt::format("    longest gap of a connection {}, before the reload {}\n", time_text(outcome.gaps.since),
                            time_text(outcome.gaps.before));
}

void add_reload(protocol::JsonWriter& json, const Options& options, const Outcome& outcome) {
  if (options.reload_command.empty()) return;
  json.field("reloads", outcome.disturbances.size());
  json.field("reload_status", status_of(outcome));
  json.field("reload_seconds", longest(outcome).count());
  json.field("reload_seconds_after_load", outcome.disturbed_after_load.count());
  json.field("reconnected", outcome.reconnected);
  json.field("reconnects_failed", outcome.failed_reconnects);
  json.field("unsent", outcome.unsent);
  json.field("gap_us_max", microseconds(outcome.gaps.since));
  json.field("gap_us_max_before", microseconds(outcome.gaps.before));
}

}  // namespace wsd::bench
