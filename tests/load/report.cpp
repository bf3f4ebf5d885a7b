#include "tests/load/report.h"

#include <array>
#include <cstdio>

namespace wsd::load {

Report::Report(const Options& options) {
  add("connections", options.connections);
  add("pipeline", options.pipeline);
}

void Report::add(std::string_view name, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  add_raw(name, text.data());
}

void Report::add(std::string_view name, std::size_t value) {
  add_raw(name, std::to_string(value));
}

void Report::add_latencies(const LatencyHistogram& latencies) {
  const auto microseconds = [](std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; };
  add("latency_us_p50", microseconds(latencies.percentile(0.5)));
  add("latency_us_p99", microseconds(latencies.percentile(0.99)));
  add("latency_us_max", microseconds(latencies.max()));
}

void Report::add_errors(const Errors& errors) {
  add("errors", errors.sum());
  add("errors_connect", errors.connect);
  add("errors_handshake", errors.handshake);
  add("errors_wrong_answer", errors.wrong);
  add("errors_closed", errors.closed);
  add("errors_lost", errors.lost);
  add("errors_doubled", errors.doubled);
  add("errors_reordered", errors.reordered);
  add("errors_stale", errors.stale);
  is_clean_ = errors.sum() == 0;
}

void Report::add_raw(std::string_view name, std::string_view value) {
  if (!members_.empty()) members_ += ", ";
  members_.append("\"").append(name).append("\": ").append(value);
}

}  // namespace wsd::load
