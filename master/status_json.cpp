#include <fmt/chrono.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <optional>

#include "master/status_page.h"
#include "protocol/json_writer.h"

namespace wsd::master {

namespace {

// Each list names its fields once, for both directions.
template <typename AnyCounters, typename Visitor>
void visit_counters(AnyCounters& counters, Visitor&& visitor) {
  visitor("connections", counters.connections);
  visitor("accepted", counters.accepted);
  visitor("messages_in", counters.messages_in);
  visitor("messages_out", counters.messages_out);
  visitor("bytes_in", counters.bytes_in);
  visitor("bytes_out", counters.bytes_out);
  visitor("send_dropped", counters.send_dropped);
  visitor("protocol_errors", counters.protocol_errors);
  visitor("published", counters.published);
  visitor("bus_dropped", counters.bus_dropped);
  visitor("refused", counters.refused);
  visitor("rate_limited", counters.rate_limited);
  visitor("slow_closed", counters.slow_closed);
  visitor("log_lost", counters.log_lost);
}

template <typename AnyWorker, typename Visitor>
void visit_worker(AnyWorker& worker, Visitor&& visitor) {
  visitor("slot", worker.slot);
  visitor("pid", worker.pid);
  visitor("generation", worker.generation);
  visitor("state", worker.state);
  visit_counters(worker.counters, visitor);
  visitor("rss_bytes", worker.rss_bytes);
  visitor("loop_lag_ms", worker.loop_lag_ms);
}

template <typename AnyExit, typename Visitor>
void visit_exit(AnyExit& exit, Visitor&& visitor) {
  visitor("status", exit.status);
  visitor("count", exit.count);
}

template <typename AnyStatus, typename Visitor>
void visit_status(AnyStatus& status, Visitor&& visitor) {
  visitor("name", status.name);
  visitor("version", status.version);
  visitor("pid", status.pid);
  visitor("started_at", status.started_at);
  visitor("uptime_s", status.uptime_s);
  visitor("generation", status.generation);
  visitor("app", status.app);
  visitor("max_connections", status.max_connections);
  visitor("listen", status.listen);
  visitor("api", status.api);
  visitor("workers", status.workers);
  visitor("draining", status.draining);
  visitor("relays", status.relays);
  visitor("totals", status.totals);
  visitor("exits", status.exits);
  visitor("history_lost", status.history_lost);
}

using SystemTime = std::chrono::system_clock::time_point;

class Writer {
 public:
  explicit Writer(protocol::JsonWriter& json) : json_(json) {}

  template <typename T>
  void operator()(std::string_view name, const T& field) {
    json_.key(name);
    write(field);
  }

  void write(std::integral auto number) { json_.value(number); }
  void write(double number) { json_.value(number); }
  void write(const std::string& text) { json_.value(text); }
  void write(SystemTime time) {
    json_.value(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time))));
  }
  void write(const Counters& counters) {
    object([&] { visit_counters(counters, *this); });
  }
  void write(const WorkerStatus& worker) {
    object([&] { visit_worker(worker, *this); });
  }
  void write(const ExitCount& exit) {
    object([&] { visit_exit(exit, *this); });
  }
  void write(const Status& status) {
    object([&] { visit_status(status, *this); });
  }
  template <typename T>
  void write(const std::vector<T>& list) {
    json_.begin_array();
    for (const T& item : list) write(item);
    json_.end_array();
  }

 private:
  template <typename Members>
  void object(Members&& members) {
    json_.begin_object();
    members();
    json_.end_object();
  }

  protocol::JsonWriter& json_;
};

using simdjson::dom::element;

// Reads the members of one object. simdjson's exceptions say what is missing or of another type.
class Reader {
 public:
  explicit Reader(element object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, T& field) {
    auto member = object_.at_key(name);
    // A master of 0.1 does not know these.
    constexpr auto since =
        std::to_array<std::string_view>({"api", "published", "bus_dropped", "relays", "max_connections", "refused",
                                         "rate_limited", "slow_closed", "log_lost", "history_lost"});
    const bool is_new = std::ranges::find(since, name) != since.end();
    if (!is_new || member.error() != simdjson::NO_SUCH_FIELD) read(member.value(), field);
  }

 private:
  static void read(element from, std::integral auto& number) {
    number = static_cast<std::remove_reference_t<decltype(number)>>(std::int64_t(from));
  }
  static void read(element from, double& number) { number = from.is_null() ? 0 : double(from); }
  static void read(element from, std::string& text) { text = std::string_view(from); }
  static void read(element from, SystemTime& time) {
    std::tm parts{};
    ::strptime(std::string(std::string_view(from)).c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  }
  static void read(element from, Counters& counters) { visit_counters(counters, Reader(from)); }
  static void read(element from, WorkerStatus& worker) { visit_worker(worker, Reader(from)); }
  static void read(element from, ExitCount& exit) { visit_exit(exit, Reader(from)); }
  template <typename T>
  static void read(element from, std::vector<T>& list) {
    for (const element item : simdjson::dom::array(from)) read(item, list.emplace_back());
  }

  element object_;
};

}  // namespace

std::string to_json(const Status& status) {
  protocol::JsonWriter json;
  Writer(json).write(status);
  return json.take();
}

Result<Status> status_from_json(std::string_view json) try {
  simdjson::dom::parser parser;
  Status status;
  visit_status(status, Reader(parser.parse(simdjson::padded_string(json))));
  return status;
} catch (const simdjson::simdjson_error& error) {
  return Error{fmt::format("the status cannot be read: {}", error.what())};
}

}  // namespace wsd::master
