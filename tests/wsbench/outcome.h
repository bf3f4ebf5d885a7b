// All that a run has found out: what the reports are written from.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/load/process_usage.h"
#include "tests/wsbench/clock.h"
#include "tests/wsbench/disturbance.h"
#include "tests/wsbench/latency_histogram.h"
#include "tests/wsbench/memory_use.h"
#include "tests/wsbench/options.h"
#include "tests/wsbench/rate_steps.h"
#include "tests/wsbench/statistics.h"

namespace wsd::bench {

// One of a rate that grows.
struct StepOutcome {
  double rate = 0;  // that was wanted, events a second
  Seconds length{0};
  std::uint64_t done = 0;                                                              // in its time
  std::unique_ptr<LatencyHistogram> latencies = std::make_unique<LatencyHistogram>();  // of what was due in it
  double own_cores = 0;
  std::optional<double> server_cores;

  [[nodiscard]] double done_per_second() const { return static_cast<double>(done) / length.count(); }
  [[nodiscard]] bool is_followed() const { return follows(rate * length.count(), done); }
};

struct Outcome {
  Seconds measured{0};
  std::uint64_t events = 0;  // in the measured time
  double events_per_second = 0;
  std::uint64_t events_in_all = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t open = 0;     // connections, at the end of the load
  Seconds opening{0};         // how long it took to open those that are held
  std::uint64_t opened = 0;   // connections that were to be held and were open before the load
  std::vector<double> rates;  // events a second of each process, in each tenth of a second
  std::unique_ptr<LatencyHistogram> latencies = std::make_unique<LatencyHistogram>();
  std::vector<StepOutcome> steps;  // none: the rate does not grow
  ErrorCounts errors;
  std::uint64_t publications = 0;   // in the measured time
  std::uint64_t largest_batch = 0;  // publications in one message
  std::uint64_t stalled_ended = 0, stalled_closed = 0, stalled_missed = 0;
  std::vector<Disturbance::Execution> disturbances;
  Seconds disturbed_after_load{0};  // how long they outlasted it, where they did
  std::uint64_t reconnected = 0, failed_reconnects = 0, unsent = 0;
  Gaps gaps;
  std::optional<load::CpuTime> server_cpu;  // in the measured time
  std::size_t busy_server_processes = 0;    // of those whose time it is
  load::CpuTime own_cpu;
  std::optional<MemoryUse> memory_before, memory_after;  // with a few connections, and with all
  std::vector<std::string> problems;                     // sentences for people; with one of them nothing is proved
  std::vector<std::string> explanations;                 // of errors: the first of each process
  bool is_interrupted = false;

  [[nodiscard]] bool is_clean() const { return errors.sum() == 0 && problems.empty(); }
};

}  // namespace wsd::bench
