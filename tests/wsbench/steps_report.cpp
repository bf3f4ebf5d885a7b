#include "tests/wsbench/steps_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/wsbench/figures.h"

namespace wsd::bench {

namespace {

constexpr double saturated = 0.95;  // of its cores

// The first that the server does not follow.
std::vector<StepOutcome>::const_iterator end_of_following(const Outcome& outcome) {
  return std::ranges::find_if_not(outcome.steps, &StepOutcome::is_followed);
}

std::string percent(double share) {
  return fmt::format("{:.0f}%", share * 100);
}

std::string line_of(const StepOutcome& step) {
  const LatencyHistogram& latencies = *step.latencies;
  const auto latency = [&latencies](double share) {
    return latencies.count() == 0 ? "-" : time_text(latencies.percentile(share));
  };
  return fmt::format("    {:>10}{:>10} {:>9} {:>9} {:>9} {:>8} {:>8}\n", count_text(step.rate),
                     count_text(step.done_per_second()), latency(0.5), latency(0.99), latency(1),
                     step.server_cores ? percent(*step.server_cores) : "", percent(step.own_cores));
}

std::string conclusion(const Options& options, std::string_view many, const Outcome& outcome) {
  const auto end = end_of_following(outcome);
  if (end == outcome.steps.end())
    return fmt::format("  All {} were answered as they came: the limit is higher\n", many);
  const std::string kept_up = end == outcome.steps.begin()
                                  ? "not even with the first step"
                                  : fmt::format("with {} {} a second", count_text((end - 1)->rate), many);
  std::string text = fmt::format("  Kept up {}; of {} {} were done\n", kept_up, count_text(end->rate),
                                 count_text(end->done_per_second()));
  if (end->own_cores > saturated * static_cast<double>(options.processes)) {
    text += fmt::format("  Note: wsbench itself was busy all the time there; more processes (-t {}) may show more\n",
                        options.processes * 2);
  }
  return text;
}

double microseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e3;
}

}  // namespace

std::string steps_lines(const Options& options, std::string_view many, const Outcome& outcome) {
  if (outcome.steps.empty()) return "";
  const bool has_server = outcome.steps.front().server_cores.has_value();
  std::string text = fmt::format("    {:>10}{:>10} {:>9} {:>9} {:>9} {:>8} {:>8}\n", "wanted/s", "done/s", "50%", "99%",
                                 "100%", has_server ? "server" : "", "wsbench");
  for (const StepOutcome& step : outcome.steps) text += line_of(step);
  return text + conclusion(options, many, outcome);
}

void add_steps(protocol::JsonWriter& json, std::string_view many, const Outcome& outcome) {
  if (outcome.steps.empty()) return;
  const auto end = end_of_following(outcome);
  json.field("rate_followed", end == outcome.steps.begin() ? 0 : (end - 1)->rate);
  json.key("steps");
  json.begin_array();
  for (const StepOutcome& step : outcome.steps) {
    json.begin_object();
    json.field("rate", step.rate);
    json.field(fmt::format("{}_per_second", many), step.done_per_second());
    json.field("latency_us_p50", microseconds(step.latencies->percentile(0.5)));
    json.field("latency_us_p99", microseconds(step.latencies->percentile(0.99)));
    json.field("latency_us_max", microseconds(step.latencies->max()));
    if (step.server_cores) json.field("server_cores", *step.server_cores);
    json.field("client_cores", step.own_cores);
    json.end_object();
  }
  json.end_array();
}

}  // namespace wsd::bench
