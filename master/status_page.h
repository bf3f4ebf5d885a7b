// What `wsd status` and `wsd start` show. Pure: from structs and JSON to text.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "master/result.h"
#include "master/text_table.h"

namespace wsd::master {

struct Counters {
  std::uint64_t connections = 0;  // open now
  std::uint64_t accepted = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t send_dropped = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t published = 0;
  std::uint64_t bus_dropped = 0;
  std::uint64_t refused = 0;
  std::uint64_t rate_limited = 0;
  std::uint64_t slow_closed = 0;
  std::uint64_t log_lost = 0;

  bool operator==(const Counters&) const = default;
};

struct WorkerStatus {
  unsigned slot = 0;
  pid_t pid = 0;
  unsigned generation = 1;
  std::string state;  // starting, running, busy, relaying, stopping
  Counters counters;
  std::uint64_t rss_bytes = 0;
  double loop_lag_ms = 0;
};

struct ExitCount {
  std::string status;  // "killed by SIGKILL", "exit 250"
  std::uint64_t count = 0;

  bool operator==(const ExitCount&) const = default;
};

struct Status {
  std::string name;
  std::string version;
  pid_t pid = 0;
  std::chrono::system_clock::time_point started_at;  // RFC 3339, UTC, in JSON
  double uptime_s = 0;
  unsigned generation = 1;
  std::string app;
  std::uint64_t max_connections = 0;  // of each worker
  std::vector<std::string> listen;
  std::vector<std::string> api;
  std::vector<WorkerStatus> workers;   // one current process per slot
  std::vector<WorkerStatus> draining;  // on their way out
  std::vector<WorkerStatus> relays;    // they keep the TLS of connections that the workers serve
  Counters totals;                     // with those of processes that are gone
  std::vector<ExitCount> exits;        // unplanned ends
  std::uint64_t history_lost = 0;      // messages of history that went with them
};

[[nodiscard]] std::string to_json(const Status& status);
Result<Status> status_from_json(std::string_view json);

// GLOBAL STATUS and PROCESS STATUS. Columns that can be spared are left out, and named, where a line would have more
// than so many characters.
[[nodiscard]] std::string to_tables(const Status& status, std::size_t columns = any_width);

// What happened in the time between two looks, per second. A worker that was replaced meanwhile begins at zero.
[[nodiscard]] std::string rates_table(const Status& before, const Status& now);

struct Banner {
  std::string wsd_version;
  std::string libuv_version;
  std::string openssl_version;
  std::vector<std::string> listen;
  std::vector<std::string> api;
  std::string name;
  std::string app;
  std::string user;
  unsigned count = 0;
  std::uint64_t max_connections = 0;  // of each worker
  std::string log;                    // its path; empty: standard error
  bool daemon = false;                // then it ends with how to stop it instead of "Press Ctrl+C to stop."
};

[[nodiscard]] std::string start_banner(const Banner& banner);

}  // namespace wsd::master
