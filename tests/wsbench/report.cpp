#include "tests/wsbench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "protocol/json_writer.h"
#include "tests/wsbench/fanout_report.h"
#include "tests/wsbench/figures.h"
#include "tests/wsbench/reload_report.h"
#include "tests/wsbench/steps_report.h"

namespace wsd::bench {

namespace {

// What a mode counts.
struct Words {
  std::string_view one, many, heading, rate;
};
Words words_of(ModeName mode) {
  switch (mode) {
    case ModeName::connect:
      return {"handshake", "handshakes", "Handshakes", "Conn/Sec"};
    case ModeName::fanout:
      return {"delivery", "deliveries", "Deliveries", "Deliv/Sec"};
    case ModeName::churn:
      return {"cycle", "cycles", "Cycles", "Cycle/Sec"};
    case ModeName::echo:
    case ModeName::idle:
      break;
  }
  return {"message", "messages", "Messages", "Msg/Sec"};
}

struct ErrorKind {
  std::string_view key, text;
  std::uint64_t ErrorCounts::*count;
};
constexpr std::array<ErrorKind, 8> error_kinds{{
    {"connect", "connect", &ErrorCounts::connect},
    {"handshake", "handshake", &ErrorCounts::handshake},
    {"wrong_answer", "wrong", &ErrorCounts::wrong},
    {"closed", "closed", &ErrorCounts::closed},
    {"timeout", "timeout", &ErrorCounts::timeout},
    {"lost", "lost", &ErrorCounts::lost},
    {"doubled", "doubled", &ErrorCounts::doubled},
    {"reordered", "reordered", &ErrorCounts::reordered},
}};

constexpr std::array<std::pair<double, std::string_view>, 6> short_distribution{
    {{0.5, "50%"}, {0.75, "75%"}, {0.9, "90%"}, {0.99, "99%"}, {0.999, "99.9%"}, {1, "100%"}}};

double share_of_core(const load::CpuTime& cpu, Seconds measured) {
  return measured.count() > 0 ? cpu.total / measured : 0;
}

double microseconds_each(Seconds time, std::uint64_t count) {
  return count > 0 ? time.count() * 1e6 / static_cast<double>(count) : 0;
}

// Average, deviation and so on of what was sampled.
struct Spread {
  double mean = 0, stdev = 0, max = 0, within = 0;
};

Spread spread_of(const std::vector<double>& samples) {
  Spread spread;
  if (samples.empty()) return spread;
  const auto count = static_cast<double>(samples.size());
  for (const double sample : samples) {
    spread.mean += sample / count;
    spread.max = std::max(spread.max, sample);
  }
  for (const double sample : samples) spread.stdev += (sample - spread.mean) * (sample - spread.mean) / count;
  spread.stdev = std::sqrt(spread.stdev);
  const auto within = std::count_if(samples.begin(), samples.end(),
                                    [&](double sample) { return std::abs(sample - spread.mean) <= spread.stdev; });
  spread.within = static_cast<double>(within) / count;
  return spread;
}

std::string statistics_row(std::string_view title, std::string_view average, std::string_view deviation,
                           std::string_view max, double within) {
  return fmt::format("    {:<10}{:>9} {:>9} {:>9} {:>8.2f}%\n", title, average, deviation, max, within * 100);
}

std::string statistics_table(const Words& words, const Outcome& outcome) {
  std::string text = fmt::format("  {:<12}{:>9} {:>9} {:>9} {:>9}\n", "Process", "Avg", "Stdev", "Max", "+/- Stdev");
  const LatencyHistogram& latencies = *outcome.latencies;
  if (latencies.count() > 0) {
    text += statistics_row("Latency", time_text(latencies.mean()), time_text(latencies.stdev()),
                           time_text(latencies.max()), latencies.share_within_stdev());
  }
  const Spread rates = spread_of(outcome.rates);
  return text + statistics_row(words.rate, count_text(rates.mean), count_text(rates.stdev), count_text(rates.max),
                               rates.within);
}

std::string distribution(const Outcome& outcome) {
  if (outcome.latencies->count() == 0) return "";
  std::string text = "  Latency Distribution (HdrHistogram)\n";
  for (const auto& [share, title] : short_distribution) {
    text += fmt::format("    {:>6} {:>10}\n", title, time_text(outcome.latencies->percentile(share)));
  }
  return text;
}

std::string error_lines(const Outcome& outcome) {
  std::string text;
  if (outcome.errors.sum() > 0) {
    text += "  Errors:";
    std::string_view separator = " ";
    for (const ErrorKind& kind : error_kinds) {
      const std::uint64_t count = outcome.errors.*kind.count;
      if (count == 0) continue;
      text += fmt::format("{}{} {}", separator, kind.text, count);
      separator = ", ";
    }
    text += "\n";
  }
  for (const std::string& explanation : outcome.explanations) text += fmt::format("    first: {}\n", explanation);
  for (const std::string& problem : outcome.problems) text += fmt::format("  Problem: {}\n", problem);
  return text;
}

std::string cpu_lines(const Options& options, const Words& words, const Outcome& outcome) {
  std::string text;
  if (outcome.server_cpu) {
    const load::CpuTime& server = *outcome.server_cpu;
    text += fmt::format(
        "  Server CPU: {:.2f}us a {} ({:.2f} user, {:.2f} system), {:.0f}% of a core\n",
        microseconds_each(server.total, outcome.events), words.one, microseconds_each(server.user, outcome.events),
        microseconds_each(server.system, outcome.events), share_of_core(server, outcome.measured) * 100);
  }
  const double own_share = share_of_core(outcome.own_cpu, outcome.measured);
  if (outcome.server_cpu) {
    text += fmt::format("  wsbench's own: {:.2f}us a {}, {:.0f}% of a core\n",
                        microseconds_each(outcome.own_cpu.total, outcome.events), words.one, own_share * 100);
  }
  constexpr double saturated = 0.95;
  const bool is_server_busy = outcome.server_cpu && share_of_core(*outcome.server_cpu, outcome.measured) >
                                                        saturated * static_cast<double>(outcome.busy_server_processes);
  if (own_share > saturated * static_cast<double>(options.processes) && !is_server_busy) {
    text += fmt::format("  Note: wsbench itself was busy all the time; more processes (-t {}) may show more\n",
                        options.processes * 2);
  }
  return text;
}

std::string cpu_share_line(const Outcome& outcome) {
  if (!outcome.server_cpu) return "";
  return fmt::format("  Server CPU: {:.2f}% of a core\n", share_of_core(*outcome.server_cpu, outcome.measured) * 100);
}

// With --idle.
std::string idle_lines(const Options& options, const Outcome& outcome) {
  std::string text =
      fmt::format("  {} of {} connections were opened in {:.2f}s, {} were open after {:.2f}s\n", outcome.opened,
                  options.connections, outcome.opening.count(), outcome.open, outcome.measured.count());
  if (!outcome.memory_before || !outcome.memory_after) return text;
  const MemoryGrowth growth = growth_per_connection(*outcome.memory_before, *outcome.memory_after);
  text += fmt::format(
      "  Server memory: {:.0f} bytes a connection (RSS; PSS {:.0f}, private dirty {:.0f}), {} before them\n",
      growth.resident, growth.proportional, growth.private_dirty,
      size_text(static_cast<double>(outcome.memory_before->server.resident)));
  text += fmt::format("  Kernel memory: {:.0f} bytes a connection, of both ends where both are on this machine\n",
                      growth.kernel);
  return text;
}

void add_memory(protocol::JsonWriter& json, const Outcome& outcome) {
  if (!outcome.memory_before || !outcome.memory_after) return;
  const MemoryGrowth growth = growth_per_connection(*outcome.memory_before, *outcome.memory_after);
  json.field("resident_bytes_per_connection", growth.resident);
  json.field("proportional_bytes_per_connection", growth.proportional);
  json.field("private_dirty_bytes_per_connection", growth.private_dirty);
  json.field("kernel_bytes_per_connection", growth.kernel);
  json.field("resident_bytes_before", outcome.memory_before->server.resident);
}

void add_cpu(protocol::JsonWriter& json, std::string_view one, const Outcome& outcome) {
  const auto add = [&](std::string_view part, Seconds time) {
    json.field(fmt::format("{}_us_per_{}", part, one), microseconds_each(time, outcome.events));
  };
  if (outcome.server_cpu) {
    add("server_cpu", outcome.server_cpu->total);
    add("server_user", outcome.server_cpu->user);
    add("server_system", outcome.server_cpu->system);
  }
  add("client_cpu", outcome.own_cpu.total);
  json.field("client_cores", share_of_core(outcome.own_cpu, outcome.measured));
}

void add_latencies(protocol::JsonWriter& json, const LatencyHistogram& latencies) {
  const auto add = [&](std::string_view name, std::chrono::nanoseconds time) {
    json.field(fmt::format("latency_us_{}", name), static_cast<double>(time.count()) / 1e3);
  };
  add("mean", latencies.mean());
  add("stdev", latencies.stdev());
  add("p50", latencies.percentile(0.5));
  add("p75", latencies.percentile(0.75));
  add("p90", latencies.percentile(0.9));
  add("p99", latencies.percentile(0.99));
  add("p999", latencies.percentile(0.999));
  add("max", latencies.max());
}

}  // namespace

std::string heading(const Options& options) {
  const std::string scheme = options.url.is_secure ? "wss" : "ws";
  std::string text = fmt::format("Running {:g}s test @ {}://{}{}\n", options.duration.count(), scheme,
                                 options.url.authority(), options.url.path);
  text += fmt::format("  {} process{} and {} connection{}", options.processes, options.processes == 1 ? "" : "es",
                      options.connections, options.connections == 1 ? "" : "s");
  if (options.mode == ModeName::fanout) text += fanout_heading(options);
  if (options.stay > 0) text += fmt::format(", {:g} % of which stay", options.stay * 100);
  if (options.rate > 0) {
    text += fmt::format(", {:g}{} {} a second", options.rate,
                        options.grows() ? fmt::format(" to {:g}", options.final_rate) : "",
                        options.mode == ModeName::fanout ? "publications" : words_of(options.mode).many);
  }
  return text + "\n";
}

std::string text_report(const Options& options, const Outcome& outcome) {
  const Words words = words_of(options.mode);
  const double seconds = outcome.measured.count();
  const double bytes = static_cast<double>(outcome.bytes_received);
  if (options.mode == ModeName::idle) {
    return idle_lines(options, outcome) + error_lines(outcome) + cpu_share_line(outcome);
  }
  std::string text = statistics_table(words, outcome);
  if (options.shows_distribution) text += distribution(outcome);
  text += fmt::format("  {} {} in {:.2f}s, {} read{}\n", outcome.events, words.many, seconds, size_text(bytes),
                      outcome.is_interrupted ? " (interrupted)" : "");
  text += steps_lines(options, words.many, outcome);
  if (options.stay > 0) text += fmt::format("  {} of {} connections stayed\n", outcome.open, outcome.opened);
  text += fanout_lines(options, outcome);
  text += reload_lines(options, outcome);
  text += error_lines(outcome);
  text += cpu_lines(options, words, outcome);
  text += fmt::format("{}/sec: {:>12.2f}\n", words.heading, outcome.events_per_second);
  text += fmt::format("Transfer/sec: {:>12}\n", size_text(seconds > 0 ? bytes / seconds : 0));
  return text;
}

std::string json_report(const Options& options, const Outcome& outcome) {
  const Words words = words_of(options.mode);
  protocol::JsonWriter json;
  json.begin_object();
  json.field("mode", name_of(options.mode));
  json.field("type", options.is_binary ? "binary" : "text");
  json.field("processes", options.processes);
  json.field("connections", options.connections);
  json.field("pipeline", options.pipeline);
  json.field("rate", options.rate);
  if (options.grows()) json.field("rate_to", options.final_rate);
  json.field("size", options.sizes.mean());
  json.field("seconds", outcome.measured.count());
  json.field(words.many, outcome.events);
  json.field(fmt::format("{}_per_second", words.many), outcome.events_per_second);
  json.field(fmt::format("{}_in_all", words.many), outcome.events_in_all);
  json.field("bytes_received", outcome.bytes_received);
  json.field("bytes_sent", outcome.bytes_sent);
  json.field("connections_opened", outcome.opened);
  json.field("connections_open_at_end", outcome.open);
  json.field("opening_seconds", outcome.opening.count());
  add_cpu(json, words.one, outcome);
  add_memory(json, outcome);
  add_latencies(json, *outcome.latencies);
  add_steps(json, words.many, outcome);
  add_fanout(json, options, outcome);
  add_reload(json, options, outcome);
  json.field("errors", outcome.errors.sum());
  for (const ErrorKind& kind : error_kinds) json.field(fmt::format("errors_{}", kind.key), outcome.errors.*kind.count);
  json.key("problems");
  json.begin_array();
  for (const std::string& explanation : outcome.explanations) json.value(explanation);
  for (const std::string& problem : outcome.problems) json.value(problem);
  json.end_array();
  json.field("interrupted", outcome.is_interrupted);
  json.end_object();
  return json.take();
}

}  // namespace wsd::bench
