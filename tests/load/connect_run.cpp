#include <unistd.h>

#include "tests/load/load_driver.h"
#include "tests/load/runs.h"

namespace wsd::load {
namespace {

// The life of a connection in a circle: connect, opening handshake, one echo, closing handshake, closed by the server.
class ConnectRun {
 public:
  explicit ConnectRun(const Options& options) : options_(options), driver_(options) {}

  Report run() {
    wait_for_go(options_);
    for (std::size_t i = 0; i < options_.connections; ++i)
      driver_.connections().emplace_back(driver_.context()).connect();
    driver_.serve(options_.warmup, next_step());
    const std::size_t cycles_before = cycles_;
    const CpuTime server_before = cpu_time_of(options_.server_pids), client_before = cpu_time_of({::getpid()});
    const Clock::time_point start = Clock::now();
    driver_.serve(options_.duration, next_step());
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    const CpuTime server = cpu_time_of(options_.server_pids) - server_before;
    const CpuTime client = cpu_time_of({::getpid()}) - client_before;
    return report(cycles_ - cycles_before, elapsed, server, client);
  }

 private:
  LoadDriver::OnArrival next_step() {
    return [this](ClientConnection& connection, const ClientConnection::Arrival& arrival) {
      if (arrival.opened) connection.send_messages(1);
      if (arrival.answers > 0) connection.send_close();
      if (!arrival.ended) return;
      ++cycles_;
      connection.connect();
    };
  }

  Report report(std::size_t cycles, std::chrono::duration<double> elapsed, const CpuTime& server,
                const CpuTime& client) {
    Report report(options_);
    report.add("seconds", elapsed.count());
    report.add("cycles", cycles);
    report.add("cycles_per_second", static_cast<double>(cycles) / elapsed.count());
    report.add_cpu_per("cycle", server, client, cycles);
    report.add_errors(driver_.context().errors);
    return report;
  }

  const Options& options_;
  LoadDriver driver_;
  std::size_t cycles_ = 0;
};

}  // namespace

Report run_connect(const Options& options) {
  return ConnectRun(options).run();
}

}  // namespace wsd::load
