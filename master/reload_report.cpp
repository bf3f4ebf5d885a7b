#include "master/reload_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "master/quantities.h"
#include "protocol/json_writer.h"

namespace wsd::master {

namespace {

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Three digits, but no exponent where a pause is a second and more.
std::string pause_text(Duration pause) {
  const double time = milliseconds(pause);
  return fmt::format(fmt::runtime(time < 1000 ? "{:.3g} ms" : "{:.0f} ms"), time);
}

}  // namespace

void ReloadReport::count(const TookOver& event) {
  connections_kept += event.connections;
  longest_pause = std::max(longest_pause, event.pause);
}

std::string to_text(const ReloadReport& report) {
  return fmt::format("generation {}: {}, {} kept, {} draining, longest pause {}", report.generation,
                     counted(report.workers, "worker"), counted(report.connections_kept, "connection"), report.draining,
                     pause_text(report.longest_pause));
}

std::string to_json(const ReloadReport& report) {
  protocol::JsonWriter json;
  json.begin_object();
  json.field("generation", report.generation);
  json.field("workers", report.workers);
  json.field("connections_kept", report.connections_kept);
  json.field("draining", report.draining);
  json.field("longest_pause_ms", milliseconds(report.longest_pause));
  json.end_object();
  return json.take();
}

std::string progress_text(Slot slot, const TookOver& event) {
  return fmt::format("slot {}: {} kept, pause {}", slot, counted(event.connections, "connection"),
                     pause_text(event.pause));
}

}  // namespace wsd::master
