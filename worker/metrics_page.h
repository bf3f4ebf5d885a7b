// What `GET /metrics` shows: the whole server's counters in Prometheus' text format, version 0.0.4 (docs/metrics.md).
//
// Pure: from what the scoreboard said at one moment to text.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "worker/scoreboard.h"

namespace wsd::worker {

struct MetricsMoment {
  std::uint64_t now_ns = 0;  // CLOCK_MONOTONIC, as heartbeats are
  std::string_view version;  // of wsd
  std::string_view tls_library;
  // Resident memory of a process in bytes; 0: nothing can be said.
  std::function<std::uint64_t(std::uint64_t pid)> memory_of;
};

[[nodiscard]] std::string metrics_page(const ScoreboardReading& reading, const MetricsMoment& moment);

// As the content of a label: backslashes, quotes and newlines escaped.
[[nodiscard]] std::string escape_label(std::string_view text);

}  // namespace wsd::worker
