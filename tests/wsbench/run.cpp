#include "tests/wsbench/run.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "protocol/printable_text.h"
#include "tests/wsbench/crew.h"
#include "tests/wsbench/progress_line.h"
#include "tests/wsbench/server_processes.h"
#include "tests/wsbench/shared_run.h"

namespace wsd::bench {

namespace {

constexpr std::chrono::milliseconds tick{100};
constexpr std::size_t few_connections = 10;
constexpr std::chrono::seconds patience_with_command{60};  // after the load
// Descriptors of a process besides those of its connections.
constexpr rlim_t other_descriptors = 32;

volatile std::sig_atomic_t interruptions = 0;

void count_interruption(int) {
  interruptions = interruptions + 1;
  if (interruptions > 1) ::_exit(130);  // the load processes see their channel's end
}

void watch_for_interruptions() {
  interruptions = 0;
  struct sigaction action {};
  action.sa_handler = count_interruption;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void make_room_for_descriptors(const Options& options) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = held_by(options, 0) + other_descriptors;
  if (needed <= limit.rlim_cur) return;
  const std::size_t enough = options.all_connections() / (limit.rlim_cur - other_descriptors) + 1;
  throw std::runtime_error(fmt::format(
      "{} connections in {} need {} descriptors each, but the limit is {}: use -t {}, or raise ulimit -n",
      options.all_connections(), options.processes == 1 ? "1 process" : fmt::format("{} processes", options.processes),
      needed, limit.rlim_cur, enough));
}

std::uint64_t nanoseconds(Time time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        shared_(options.processes, options.mode == ModeName::fanout ? options.publishers : 0, options.grows()),
        crew_(options, shared_),
        server_(options.server_pids),
        progress_(options.mode != ModeName::idle) {}

  Outcome carry_out() {
    server_.look();
    if (const auto problem = server_.problem()) throw std::runtime_error(*problem);
    open_connections();
    if (interruptions == 0) prepare();
    wait_for_go();
    if (interruptions == 0) {
      make_load();
    } else {
      outcome_.is_interrupted = true;
      outcome_.problems.emplace_back("it was interrupted before the load began");
    }
    wait_for_go();
    collect();
    return std::move(outcome_);
  }

 private:
  // A few first, where memory is looked at: what the first of all needs once is not counted.
  void open_connections() {
    if (options_.mode == ModeName::idle && !options_.server_pids.empty()) {
      open_up_to(std::max<std::size_t>(1, std::min(few_connections, options_.connections / 2) / options_.processes));
      std::this_thread::sleep_for(options_.warmup);
      outcome_.memory_before = read_memory_now();
    }
    const Time start = Clock::now();
    open_up_to(options_.all_connections());
    outcome_.opening = Clock::now() - start;
    outcome_.opened = sum(&Statistics::open);
  }

  void open_up_to(std::size_t of_each_process) {
    shared_.schedule().held.set(of_each_process);
    crew_.order(Order::open);
    crew_.await(Order::open, [this] {
      if (interruptions > 0) return Time::min();
      progress_.show_opening(sum(&Statistics::open), options_.all_connections());
      return Clock::now() + tick;
    });
    progress_.clear();
  }

  // Nothing: a process is not there, which server_ says, or not the user's to look at.
  std::optional<MemoryUse> read_memory_now() try {
    server_.look();
    if (server_.problem()) return std::nullopt;
    return memory_use(server_.memory(), sum(&Statistics::open));
  } catch (const std::runtime_error& error) {
    outcome_.problems.push_back(fmt::format("--pid: {}", error.what()));
    return std::nullopt;
  }

  void prepare() {
    crew_.order(Order::prepare);
    crew_.await(Order::prepare, [this] {
      if (interruptions > 0) return Time::min();
      const Time now = Clock::now();
      progress_.show_waiting(now, "first every connection is to be answered or reached once");
      return now + tick;
    });
    progress_.clear();
  }

  void wait_for_go() const {
    if (!options_.waits_for_go) return;
    std::fputs("ready\n", stderr);
    for (char letter = 0; letter != '\n' && ::read(STDIN_FILENO, &letter, 1) == 1;) {
    }
  }

  void make_load() {
    const Time load_from = Clock::now() + std::chrono::milliseconds(1);
    measure_from_ = load_from + rounded(options_.warmup);
    measure_to_ = measure_from_ + rounded(options_.duration);
    Schedule& schedule = shared_.schedule();
    schedule.load_from.set(nanoseconds(load_from));
    schedule.measure_from.set(nanoseconds(measure_from_));
    schedule.measure_to.set(nanoseconds(measure_to_));
    crew_.order(Order::load);
    std::optional<Disturbance> disturbance;
    if (!options_.reload_command.empty()) {
      const auto times = disturbance_times(measure_from_, rounded(options_.duration), rounded(options_.reload_every));
      disturbance.emplace(options_.reload_command, times, schedule.disturbed_since);
    }
    crew_.await(Order::load, [this] { return observe(Clock::now()); });
    end_measuring();
    if (disturbance) await_end(*disturbance);
    progress_.clear();
    if (disturbance) judge(disturbance->finish());
  }

  // What clients would notice of it now is not seen any more; how long it takes and how it ends is worth knowing.
  void await_end(Disturbance& disturbance) {
    disturbance.stop();
    const Time end = Clock::now() + patience_with_command;
    for (Time now = Clock::now(); disturbance.is_running() && interruptions == 0 && now < end; now = Clock::now()) {
      progress_.show_waiting(now, "the load is over, --reload's command is not");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void judge(const std::vector<Disturbance::Execution>& executions) {
    outcome_.disturbances = executions;
    const auto add = [this](std::string problem) { outcome_.problems.push_back(std::move(problem)); };
    if (executions.empty()) add("--reload's command has not been run");
    for (const Disturbance::Execution& execution : executions) {
      if (execution.status != 0) add(fmt::format("--reload's command ended with status {}", execution.status));
      const Seconds after_load = execution.start + execution.duration - measure_to_;
      outcome_.disturbed_after_load = std::max(outcome_.disturbed_after_load, after_load);
      if (!execution.is_over) {
        add(fmt::format("--reload's command still ran {:.0f} s after the load; it was left to itself",
                        std::max(after_load.count(), 0.0)));
      }
    }
  }

  // Looks on while load is made. Returns when to look again.
  Time observe(Time now) {
    if (interruptions > 0 && !outcome_.is_interrupted) {
      outcome_.is_interrupted = true;
      crew_.order(Order::stop);
    }
    if (now < measure_from_) return measure_from_;
    if (!has_begun_) begin_measuring(now);
    if (now >= measure_to_ || outcome_.is_interrupted || is_limit_found_) {
      end_measuring();
      return now + tick;
    }
    if (now >= next_tick_) sample(now);
    return std::min({next_tick_, next_step(now), measure_to_});
  }

  // Notes the CPU time where one step ends and the next begins. Returns when that will be.
  Time next_step(Time now) {
    if (shared_.steps().empty()) return measure_to_;
    while (step_cpu_.size() <= RateSteps::count && now >= steps().begin_of(step_cpu_.size())) end_step();
    return steps().begin_of(step_cpu_.size());
  }

  void end_step() {
    step_cpu_.push_back(cpu());
    const std::size_t over = step_cpu_.size() - 1;
    if (over < 2 || is_followed(over - 2) || is_followed(over - 1)) return;
    is_limit_found_ = true;
    crew_.order(Order::stop);
  }

  [[nodiscard]] std::uint64_t done_in(std::size_t step) const {
    std::uint64_t done = 0;
    for (const StepCounts& counts : shared_.steps()) done += counts.at(step).done.value();
    return done;
  }
  [[nodiscard]] bool is_followed(std::size_t step) const {
    return follows(steps().rate(step) * Seconds(steps().length()).count(), done_in(step));
  }

  [[nodiscard]] RateSteps steps() const { return shared_.schedule().steps(options_.rate, options_.final_rate); }

  struct Cpu {
    Seconds own, server;
  };
  Cpu cpu() {
    server_.look();
    return {load::cpu_time_of(crew_.living()).total, server_.cpu_time().total};
  }

  void begin_measuring(Time now) {
    has_begun_ = true;
    server_.begin();
    own_cpu_before_ = load::cpu_time_of(crew_.living());
    if (outcome_.memory_before) outcome_.memory_after = read_memory_now();
    last_tick_ = now;
    next_tick_ = now + tick;
    for (const Statistics& statistics : shared_.statistics()) last_events_.push_back(statistics.events.value());
  }

  void end_measuring() {
    if (!has_begun_ || has_ended_) return;
    has_ended_ = true;
    if (!shared_.steps().empty() && Clock::now() >= measure_to_) step_cpu_.push_back(cpu());
    outcome_.own_cpu = load::cpu_time_of(crew_.living()) - own_cpu_before_;
    if (options_.server_pids.empty()) return;
    server_.look();
    if (server_.problem()) return;
    outcome_.server_cpu = server_.cpu_time();
    outcome_.busy_server_processes = server_.busy(Clock::now() - measure_from_);
  }

  void sample(Time now) {
    server_.look();
    const Seconds elapsed = now - last_tick_;
    for (std::size_t i = 0; i < last_events_.size(); ++i) {
      const std::uint64_t events = shared_.statistics()[i].events.value();
      outcome_.rates.push_back(static_cast<double>(events - last_events_[i]) / elapsed.count());
      last_events_[i] = events;
    }
    last_tick_ = now;
    while (next_tick_ <= now) next_tick_ += tick;
    ErrorCounts errors;
    for (const Statistics& statistics : shared_.statistics()) errors.add(statistics.errors);
    progress_.show_load(now, Seconds(now - measure_from_), sum(&Statistics::events), sum(&Statistics::open),
                        errors.sum());
  }

  void collect_steps() {
    for (std::size_t i = 0; i + 1 < step_cpu_.size() && i < RateSteps::count; ++i) {
      StepOutcome& step = outcome_.steps.emplace_back();
      step.rate = steps().rate(i);
      step.length = steps().length();
      step.done = done_in(i);
      for (const StepCounts& counts : shared_.steps()) step.latencies->merge(counts.at(i).latencies);
      step.own_cores = (step_cpu_[i + 1].own - step_cpu_[i].own) / step.length;
      if (outcome_.server_cpu) step.server_cores = (step_cpu_[i + 1].server - step_cpu_[i].server) / step.length;
    }
  }

  void collect() {
    collect_steps();
    for (const Statistics& statistics : shared_.statistics()) {
      const Seconds measured = std::chrono::nanoseconds(statistics.measured_ns);
      outcome_.measured = std::max(outcome_.measured, measured);
      outcome_.events += statistics.measured_events;
      if (measured.count() > 0) {
        outcome_.events_per_second += static_cast<double>(statistics.measured_events) / measured.count();
      }
      outcome_.bytes_received += statistics.measured_bytes_received;
      outcome_.bytes_sent += statistics.measured_bytes_sent;
      outcome_.largest_batch = std::max(outcome_.largest_batch, statistics.largest_batch);
      outcome_.publications += statistics.measured_published;
      outcome_.latencies->merge(statistics.latencies);
      outcome_.errors.add(statistics.errors);
      outcome_.gaps.merge(statistics.gaps);
      const std::string problem = protocol::printable(statistics.first_problem.data());  // may be a server's own words
      std::vector<std::string>& known = outcome_.explanations;
      if (!problem.empty() && std::find(known.begin(), known.end(), problem) == known.end()) known.push_back(problem);
    }
    outcome_.events_in_all = sum(&Statistics::events);
    outcome_.open = sum(&Statistics::open);
    outcome_.reconnected = sum(&Statistics::reconnected);
    outcome_.failed_reconnects = sum(&Statistics::failed_reconnects);
    outcome_.unsent = sum(&Statistics::unsent);
    outcome_.stalled_ended = sum(&Statistics::stalled_ended);
    outcome_.stalled_closed = sum(&Statistics::stalled_closed);
    outcome_.stalled_missed = sum(&Statistics::stalled_missed);
    if (const auto problem = server_.problem()) outcome_.problems.push_back(*problem);
    for (const std::string& obituary : crew_.obituaries()) outcome_.problems.push_back(obituary);
  }

  [[nodiscard]] std::uint64_t sum(Counter Statistics::*counter) const {
    std::uint64_t total = 0;
    for (const Statistics& statistics : shared_.statistics()) total += (statistics.*counter).value();
    return total;
  }

  const Options& options_;
  SharedRun shared_;
  Crew crew_;
  ServerProcesses server_;
  ProgressLine progress_;
  Outcome outcome_;
  Time measure_from_{}, measure_to_{};
  load::CpuTime own_cpu_before_;
  bool has_begun_ = false;
  bool has_ended_ = false;
  Time last_tick_{}, next_tick_{};
  bool is_limit_found_ = false;             // two steps running were not followed: a rate that grows need not grow on
  std::vector<Cpu> step_cpu_;               // since the measured time began, where each step begins, and at the end
  std::vector<std::uint64_t> last_events_;  // of each process
};

}  // namespace

Outcome run(const Options& options) {
  make_room_for_descriptors(options);
  watch_for_interruptions();
  return Run(options).carry_out();
}

}  // namespace wsd::bench
