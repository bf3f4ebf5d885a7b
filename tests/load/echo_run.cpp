#include <unistd.h>

#include "tests/load/load_driver.h"
#include "tests/load/runs.h"

namespace wsd::load {
namespace {

// A closed loop: each answer is followed by the next message of its connection, those of one event by one write.
class EchoRun {
 public:
  explicit EchoRun(const Options& options) : options_(options), driver_(options) {}

  Report run() {
    driver_.open(options_.connections);
    wait_for_go(options_);
    for (ClientConnection& connection : driver_.connections()) {
      if (connection.state() == ClientConnection::State::open) connection.send_messages(options_.pipeline);
    }
    driver_.serve(options_.warmup, answer_with_next());
    Report report = measure();
    wait_for_go(options_);
    return report;
  }

 private:
  LoadDriver::OnArrival answer_with_next() {
    return [this](ClientConnection& connection, const ClientConnection::Arrival& arrival) {
      answers_ += arrival.answers;
      if (arrival.answers > 0 && !arrival.ended) connection.send_messages(arrival.answers);
    };
  }

  Report measure() {
    const std::size_t answers_before = answers_;
    const CpuTime server_before = cpu_time_of(options_.server_pids), client_before = cpu_time_of({::getpid()});
    const Clock::time_point start = Clock::now();
    driver_.context().latencies = {};
    driver_.serve(options_.duration, answer_with_next());
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    const CpuTime server = cpu_time_of(options_.server_pids) - server_before;
    const CpuTime client = cpu_time_of({::getpid()}) - client_before;
    const std::size_t answers = answers_ - answers_before;

    Report report(options_);
    report.add("seconds", elapsed.count());
    report.add("messages", answers);
    report.add("messages_per_second", static_cast<double>(answers) / elapsed.count());
    report.add_cpu_per("message", server, client, answers);
    report.add_latencies(driver_.context().latencies);
    await_last_answers();
    report.add("messages_in_all", answers_);
    report.add_errors(driver_.context().errors);
    return report;
  }

  void await_last_answers() {
    const auto count = [this](ClientConnection&, const ClientConnection::Arrival& arrival) {
      answers_ += arrival.answers;
    };
    driver_.serve(std::chrono::seconds(5), count, [this] { return in_flight() == 0; });
    driver_.context().errors.lost = in_flight();
  }

  std::size_t in_flight() {
    std::size_t sum = 0;
    for (const ClientConnection& connection : driver_.connections()) sum += connection.in_flight();
    return sum;
  }

  const Options& options_;
  LoadDriver driver_;
  std::size_t answers_ = 0;
};

}  // namespace

Report run_echo(const Options& options) {
  return EchoRun(options).run();
}

}  // namespace wsd::load
