#include "tests/load/load_driver.h"
#include "tests/load/runs.h"

namespace wsd::load {
namespace {

constexpr std::size_t first_connections = 10;  // what the first of all needs once is not counted

double growth_for_each(std::size_t before, std::size_t after, std::size_t count) {
  return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count);
}

}  // namespace

// Each connection has had one message answered when memory is read: an idle connection is one that has talked before.
Report run_idle(const Options& options) {
  LoadDriver driver(options);
  std::size_t answers = 0;
  const auto count = [&answers](ClientConnection&, const ClientConnection::Arrival& arrival) {
    answers += arrival.answers;
  };
  const auto open_and_talk = [&](std::size_t from, std::size_t to) {
    driver.open(to);
    for (std::size_t i = from; i < to; ++i) driver.connections()[i].send_messages(1);
    driver.serve(std::chrono::seconds(30), count, [&] { return answers >= to; });
    driver.serve(options.warmup, count);
    return memory_of(options.server_pids);
  };
  const std::size_t base = std::min(first_connections, options.connections / 2);
  const Memory before = open_and_talk(0, base);
  const Memory after = open_and_talk(base, options.connections);
  const std::size_t added = options.connections - base;

  Report report(options);
  report.add("resident_bytes_per_connection", growth_for_each(before.resident, after.resident, added));
  report.add("proportional_bytes_per_connection", growth_for_each(before.proportional, after.proportional, added));
  report.add("private_dirty_bytes_per_connection", growth_for_each(before.private_dirty, after.private_dirty, added));
  report.add("resident_bytes_before", before.resident);
  driver.context().errors.lost = options.connections - answers;
  report.add_errors(driver.context().errors);
  wait_for_go(options);
  return report;
}

}  // namespace wsd::load
