#include "worker/metrics_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace wsd::worker {

namespace {

constexpr double nanoseconds_per_second = 1e9;
constexpr double milliseconds_per_second = 1e3;
// Without a heartbeat for so long a worker serves nobody, whatever it is doing.
constexpr std::uint64_t silence_ns = 10'000'000'000;

// A counter of each slot, whichever processes it has had.
struct SlotCounter {
  std::string_view name;
  std::string_view help;
  Counter ScoreboardRow::*value;
  double unit = 1;  // of what is exported, in those of the scoreboard
};

constexpr auto slot_counters = std::to_array<SlotCounter>({
    {"wsd_connections_accepted_total", "TCP and unix connections taken from the accept queue.",
     &ScoreboardRow::accepted},
    {"wsd_connections_opened_total", "WebSocket connections opened: opening handshakes completed.",
     &ScoreboardRow::opened},
    {"wsd_messages_received_total", "Whole data messages received from clients.", &ScoreboardRow::messages_in},
    {"wsd_messages_sent_total", "Data messages accepted for sending to clients.", &ScoreboardRow::messages_out},
    {"wsd_received_bytes_total", "Bytes received from clients, handshakes and framing included, TLS not.",
     &ScoreboardRow::bytes_in},
    {"wsd_sent_bytes_total", "Bytes to clients that the kernel took, handshakes and framing included, TLS not.",
     &ScoreboardRow::bytes_out},
    {"wsd_messages_dropped_total", "Messages to a client refused because its send queue was full.",
     &ScoreboardRow::send_dropped},
    {"wsd_protocol_errors_total", "Connections failed for breaking the protocol, or refused at the opening handshake.",
     &ScoreboardRow::protocol_errors},
    {"wsd_publications_total", "Messages published to channels, counted where they were published.",
     &ScoreboardRow::published},
    {"wsd_publications_dropped_total",
     "How often a publication did not go to a worker that has subscribers, because too much waited for it.",
     &ScoreboardRow::bus_dropped},
    {"wsd_clients_refused_total", "Clients that were told to come again later (429, 503) instead of being served.",
     &ScoreboardRow::refused},
    {"wsd_connections_rate_limited_total", "Connections closed for too many messages of their client's address.",
     &ScoreboardRow::rate_limited},
    {"wsd_slow_consumers_closed_total", "Connections closed for reading too slowly.", &ScoreboardRow::slow_closed},
    {"wsd_log_lines_lost_total", "Lines of the log and the access log that a worker could not write.",
     &ScoreboardRow::log_lost},
    {"wsd_cpu_seconds_total", "Processor time, user and system, of all processes that the slot has had.",
     &ScoreboardRow::cpu_ns, nanoseconds_per_second},
});

// One of the whole server.
struct ServerHistogram {
  std::string_view name;
  std::string_view help;
  Histogram ScoreboardRow::*value;
  double unit;
  std::size_t first;  // the buckets that are shown
  std::size_t last;
};

constexpr auto histograms = std::to_array<ServerHistogram>({
    {"wsd_message_size_bytes", "Sizes of the messages received, without framing and compression.",
     &ScoreboardRow::message_size, 1, 4, 26},
    {"wsd_callback_duration_seconds",
     "How long on_message took. A worker with few messages measures each, a busy one some 1 in 16, which then counts "
     "for "
     "those that were not.",
     &ScoreboardRow::callback_ns, nanoseconds_per_second, 10, 34},
    {"wsd_delivery_latency_seconds",
     "From a publication to its being in the output of all subscribers of one worker (or in the batch of a channel "
     "that "
     "has batches), once for each worker that has some. Measured and weighted as callbacks are.",
     &ScoreboardRow::delivery_ns, nanoseconds_per_second, 10, 34},
});

class Page {
 public:
  void metric(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(out(), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <typename Number>
  void sample(std::string_view name, Number value) {
    fmt::format_to(out(), "{} {}\n", name, value);
  }
  template <typename Number>
  void sample(std::string_view name, std::string_view label, std::string_view content, Number value) {
    fmt::format_to(out(), "{}{{{}=\"{}\"}} {}\n", name, label, escape_label(content), value);
  }
  template <typename Number>
  void slot_sample(std::string_view name, std::uint16_t slot, Number value) {
    fmt::format_to(out(), "{}{{slot=\"{}\"}} {}\n", name, slot, value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }

  std::string text_;
};

// What the living processes of a slot come to.
struct SlotGauges {
  std::uint64_t connections = 0;
  std::uint64_t relayed = 0;
  std::uint64_t connection_limit = 0;
  std::uint64_t history_messages = 0;
  std::uint64_t processes = 0;
  std::uint64_t memory = 0;
  std::uint64_t lag_ms = 0;
  std::uint64_t heartbeat_ns = 0;  // the newest of those that serve
  std::uint32_t generation = 0;
};

std::map<std::uint16_t, SlotGauges> gauges_of(const ScoreboardReading& reading, const MetricsMoment& moment) {
  std::map<std::uint16_t, SlotGauges> slots;
  for (const ScoreboardReading::Process& process : reading.processes) {
    SlotGauges& slot = slots[process.slot];
    const ScoreboardRow& row = process.row;
    slot.connections += row.connections.get();
    slot.relayed += row.relayed.get();
    slot.connection_limit += row.connection_limit.get();
    slot.history_messages += row.history_messages.get();
    slot.processes += 1;
    slot.memory += moment.memory_of(process.pid);
    slot.lag_ms = std::max(slot.lag_ms, row.loop_lag_ms.get());
    if (row.connection_limit.get() > 0) slot.heartbeat_ns = std::max(slot.heartbeat_ns, row.heartbeat_ns.get());
    slot.generation = std::max(slot.generation, process.generation);
  }
  return slots;
}

std::uint64_t age_ns(std::uint64_t stamp_ns, const MetricsMoment& moment) {
  return moment.now_ns > stamp_ns ? moment.now_ns - stamp_ns : 0;
}

void add_counter(Page& page, const ScoreboardReading& reading, const SlotCounter& counter) {
  page.metric(counter.name, "counter", counter.help);
  for (const auto& [slot, row] : reading.slots) {
    const std::uint64_t value = (row.*counter.value).get();
    if (counter.unit == 1) page.slot_sample(counter.name, slot, value);
    if (counter.unit != 1) page.slot_sample(counter.name, slot, static_cast<double>(value) / counter.unit);
  }
}

void add_gauges(Page& page, const ScoreboardReading& reading, const MetricsMoment& moment) {
  const auto slots = gauges_of(reading, moment);
  const auto add = [&](std::string_view name, std::string_view help, auto&& value_of) {
    page.metric(name, "gauge", help);
    for (const auto& [slot, gauges] : slots) page.slot_sample(name, slot, value_of(gauges));
  };
  add("wsd_connections", "Open WebSocket connections.", [](const SlotGauges& slot) { return slot.connections; });
  add("wsd_connection_limit", "Connections above which the worker accepts nobody.",
      [](const SlotGauges& slot) { return slot.connection_limit; });
  add("wsd_relayed_connections", "Connections of a later worker whose TLS processes of the slot keep.",
      [](const SlotGauges& slot) { return slot.relayed; });
  add("wsd_history_messages", "Messages of history that the slot keeps, as the home of their channels.",
      [](const SlotGauges& slot) { return slot.history_messages; });
  add("wsd_processes", "Processes that the slot has: more than one while one drains or relays.",
      [](const SlotGauges& slot) { return slot.processes; });
  add("wsd_worker_generation", "The newest generation that the slot runs.",
      [](const SlotGauges& slot) { return slot.generation; });
  add("wsd_loop_lag_seconds", "How late the last heartbeat of the event loop was.",
      [](const SlotGauges& slot) { return static_cast<double>(slot.lag_ms) / milliseconds_per_second; });
  page.metric("wsd_heartbeat_age_seconds", "gauge", "Time since the worker's last heartbeat.");
  for (const auto& [slot, gauges] : slots) {
    if (gauges.heartbeat_ns == 0) continue;
    page.slot_sample("wsd_heartbeat_age_seconds", slot,
                     static_cast<double>(age_ns(gauges.heartbeat_ns, moment)) / nanoseconds_per_second);
  }
  add("wsd_resident_memory_bytes", "Resident memory of the slot's processes; what they share counts in each.",
      [](const SlotGauges& slot) { return slot.memory; });

  page.metric("wsd_workers", "gauge", "Slots whose worker gave a heartbeat within the last 10 seconds.");
  page.sample("wsd_workers", std::ranges::count_if(slots, [&](const auto& entry) {
                const std::uint64_t stamp = entry.second.heartbeat_ns;
                return stamp != 0 && age_ns(stamp, moment) < silence_ns;
              }));
}

void add_server(Page& page, const MasterCounters& master, const MetricsMoment& moment) {
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, const Counter& value) {
    page.metric(name, type, help);
    page.sample(name, value.get());
  };
  add("wsd_workers_expected", "gauge", "Slots in service: the option count.", master.slots);
  add("wsd_generation", "gauge", "The newest generation that serves; every reload raises it.", master.generation);
  add("wsd_start_time_seconds", "gauge", "When the server was started, since the epoch.", master.started_at_s);
  add("wsd_upgrades_total", "counter", "How often the binary was replaced in place (wsd upgrade).", master.upgrades);
  add("wsd_master_log_lines_lost_total", "counter", "Lines of the log that the master could not write.",
      master.log_lost);
  add("wsd_history_messages_lost_total", "counter",
      "Messages of history that were lost with workers that crashed or were killed.", master.history_lost);
  if (const std::uint64_t memory = moment.memory_of(master.pid.get())) {
    page.metric("wsd_master_resident_memory_bytes", "gauge", "Resident memory of the master process.");
    page.sample("wsd_master_resident_memory_bytes", memory);
  }
  page.metric("wsd_reloads_total", "counter", "Reloads, by how they ended.");
  page.sample("wsd_reloads_total", "result", "done", master.reloads.get());
  page.sample("wsd_reloads_total", "result", "failed", master.reloads_failed.get());
  page.metric("wsd_worker_exits_total", "counter", "Unplanned ends of workers, which are replaced, by kind.");
  page.sample("wsd_worker_exits_total", "kind", "crashed", master.exits_crashed.get());
  page.sample("wsd_worker_exits_total", "kind", "killed", master.exits_killed.get());
  page.sample("wsd_worker_exits_total", "kind", "failed", master.exits_failed.get());
  page.metric("wsd_build_info", "gauge", "Always 1: what is running, in the labels.");
  page.sample(fmt::format(R"(wsd_build_info{{version="{}",openssl="{}"}})", escape_label(moment.version),
                          escape_label(moment.tls_library)),
              1);
}

void add_histogram(Page& page, const ScoreboardReading& reading, const ServerHistogram& histogram) {
  Histogram sum;
  for (const auto& [slot, row] : reading.slots) sum.add(row.*histogram.value);
  page.metric(histogram.name, "histogram", histogram.help);
  const std::string bucket = std::string(histogram.name) + "_bucket";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
    below += sum.in_bucket(i);
    if (i < histogram.first || i > histogram.last) continue;
    const auto bound = static_cast<double>(std::uint64_t{1} << i) / histogram.unit;
    page.sample(bucket, "le", fmt::format("{}", bound), below);
  }
  page.sample(bucket, "le", "+Inf", below);
  page.sample(std::string(histogram.name) + "_sum", static_cast<double>(sum.sum()) / histogram.unit);
  page.sample(std::string(histogram.name) + "_count", below);
}

}  // namespace

std::string escape_label(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    if (character == '\n') {
      escaped += "\\n";
      continue;
    }
    if (character == '\\' || character == '"') escaped += '\\';
    escaped += character;
  }
  return escaped;
}

std::string metrics_page(const ScoreboardReading& reading, const MetricsMoment& moment) {
  Page page;
  for (const SlotCounter& counter : slot_counters) add_counter(page, reading, counter);
  add_gauges(page, reading, moment);
  add_server(page, reading.master, moment);
  for (const ServerHistogram& histogram : histograms) add_histogram(page, reading, histogram);
  return page.take();
}

}  // namespace wsd::worker
