// What the master consists of, and its loop.

#include "master/master.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "master/earliest.h"
#include "master/run_as.h"
#include "master/ticket_secret.h"
#include "worker/log.h"
#include "worker/log_outputs.h"

namespace wsd::master {

namespace {

SupervisorSettings supervisor_settings(const Options& options) {
  SupervisorSettings settings;
  settings.count = *options.count;
  settings.stop_timeout = *options.stop_timeout;
  settings.drain_timeout = *options.drain_timeout;
  settings.watchdog = *options.watchdog;
  settings.max_processes = worker::Scoreboard::capacity;
  return settings;
}

std::string own_program() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

// A terminal that goes away takes the foreground server with it; one without a terminal is told to reload.
bool has_controlling_terminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::tcgetpgrp(STDIN_FILENO) >= 0;
}

// A daemon is not the process that a service manager started, which would not believe it.
ServiceManager service_manager_of(const Options& options, ServiceManager::Phase phase) {
  return *options.daemon ? ServiceManager() : ServiceManager::of_environment(phase);
}

constexpr int last_signal_of_mask = 64;

sigset_t signal_set(std::uint64_t mask) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int number = 1; number <= last_signal_of_mask; ++number) {
    if ((mask >> (number - 1) & 1U) != 0) ::sigaddset(&set, number);
  }
  return set;
}

std::uint64_t signal_mask(const sigset_t& set) {
  std::uint64_t mask = 0;
  for (int number = 1; number <= last_signal_of_mask; ++number) {
    if (::sigismember(&set, number) == 1) mask |= std::uint64_t{1} << (number - 1);
  }
  return mask;
}

std::vector<ResumedWorker> resumed_workers(const MasterState& state) {
  std::vector<ResumedWorker> workers;
  for (const MasterState::Worker& worker : state.workers) {
    workers.push_back({.key = worker.key,
                       .slot = worker.slot,
                       .generation = worker.generation,
                       .current = worker.current,
                       .relaying = worker.relaying,
                       .serves = worker.serves});
  }
  return workers;
}

}  // namespace

Master::Master(const Plan& plan, const RunDirectory& directory, const InstanceLock& lock, int log,
               std::vector<InheritedSocket> inherited, StartReport& report,
               std::function<void(const Status&)> on_started)
    : log_(log),
      lock_(lock),
      program_(own_program()),
      hangup_means_stop_(has_controlling_terminal()),
      report_(report),
      on_started_(std::move(on_started)),
      started_at_(std::chrono::system_clock::now()),
      started_(Clock::now()),
      resumed_(false),
      service_manager_(service_manager_of(plan.options, ServiceManager::Phase::starting)),
      ticket_secret_(make_ticket_secret()),
      plans_(plan),
      supervisor_(supervisor_settings(plan.options)),
      sockets_(worker::Limits::unsent_in_kernel),
      bus_(*plan.options.count, bus_order()),
      control_(directory.control_socket()),
      pid_file_(directory.pid_file()),
      reload_desk_(around_reloads()),
      upgrade_desk_(around_upgrades()),
      publish_desk_(around_publications()),
      reopen_desk_(around_reopenings()),
      connections_desk_(around_connections()) {
  sockets_.use_group(group_of(plan.privileges));
  sockets_.use_inherited(std::move(inherited));
  sockets_.open(addresses_of(plan.options), *plan.options.count);
  sockets_.refuse_unused();
}

Master::Master(const MasterState& state, const Options& options, const InstanceLock& lock, StartReport& report)
    : log_(state.log),
      lock_(lock),
      program_(state.program),
      hangup_means_stop_(has_controlling_terminal()),
      report_(report),
      on_started_([](const Status&) {}),
      started_at_(std::chrono::seconds(state.started_at_s)),
      started_(std::chrono::nanoseconds(state.started_ns)),
      resumed_(true),
      service_manager_(service_manager_of(options, ServiceManager::Phase::serving)),
      ticket_secret_(state.ticket_secret.empty() ? make_ticket_secret() : state.ticket_secret),
      plans_(state),
      proved_(state.last_generation),
      supervisor_(supervisor_settings(options), resumed_workers(state), state.last_key, state.last_generation,
                  Clock::now()),
      signals_(signal_set(state.signal_mask)),
      sockets_(worker::Limits::unsent_in_kernel, state),
      ledger_(state),
      bus_(state.homes == 0 ? supervisor_.count() : state.homes, bus_order()),
      control_(RunDirectory::locate(options).control_socket(), worker::FileDescriptor(state.control)),
      pid_file_(RunDirectory::locate(options).pid_file(), PidFile::Keep()),
      reload_desk_(around_reloads()),
      upgrade_desk_(around_upgrades()),
      publish_desk_(around_publications()),
      reopen_desk_(around_reopenings()),
      connections_desk_(around_connections()) {
  sockets_.use_group(group_of(plans_.wanted().privileges));
  if (state.address_tables != -1) adopt_addresses(state.address_tables);
  for (const MasterState::Worker& worker : state.workers) {
    workers_.try_emplace(worker.key, worker.pid, worker.row, worker::RecordSocket(worker::FileDescriptor(worker.link)));
    if (worker.on_bus) bus_.adopt(worker.slot, worker.key);
  }
  ledger_.scoreboard().master().upgrades.add(1);
  if (state.waiting_client != -1) upgraded_for_ = control_.adopt(worker::FileDescriptor(state.waiting_client));
}

ReloadDesk::Surroundings Master::around_reloads() {
  return {.control = control_,
          .plans = plans_,
          .sockets = sockets_,
          .supervisor = supervisor_,
          .log = log_,
          .prepare_child = [this] { signals_.close_in_child(); },
          .tell = [this](Event event) { tell(std::move(event)); },
          .count_end = [this](bool done) { ledger_.count_reload(done); }};
}

UpgradeDesk::Surroundings Master::around_upgrades() {
  return {.control = control_,
          .program = program_,
          .is_calm = [this] { return supervisor_.is_calm() && !reload_desk_.is_building(); },
          .state = [this] { return state(); },
          .prepare_child = [this] { signals_.close_in_child(); }};
}

PublishDesk::Surroundings Master::around_publications() {
  return {
      .pick_worker = [this] { return worker_to_ask(); },
      .order = [this](WorkerKey key, const protocol::RecordWriter& record) { order(key, record); },
      .answer = [this](ClientId client, std::optional<Published> published) { answer_publication(client, published); }};
}

// Those of a release that laid them out otherwise are left to the workers that have them.
void Master::adopt_addresses(int descriptor) {
  try {
    addresses_.emplace(worker::AddressTables::map(worker::FileDescriptor(descriptor)));
  } catch (const std::exception& error) {
    log::warning("connections of before are not counted for their clients' addresses: {}", error.what());
  }
}

ReopenDesk::Surroundings Master::around_reopenings() {
  return {.open = [this] { return open_files(); },
          .use =
              [this](const OpenedFiles& files) {
                const AccessLogFile& access_log = plans_.wanted().access_log;
                worker::replace_outputs(files.kinds, files.descriptors, access_log ? access_log->get() : -1);
              },
          .workers = [this] { return names_of_workers(); },
          .order = [this](WorkerKey key, const protocol::RecordWriter& record,
                          const std::vector<int>& descriptors) { order(key, record, descriptors); },
          .answer =
              [this](ClientId client, CommandStatus result, const std::string& text) {
                if (result != CommandStatus::done) {
                  log::error("reopening the logs: {}", text);
                  return control_.finish(client, result, text);
                }
                log::info("{}", text);
                control_.answer(client, info_answer(text));
                control_.finish(client, result);
              }};
}

ConnectionsDesk::Surroundings Master::around_connections() {
  return {.pick_workers = [this](std::optional<std::uint32_t> slot) { return workers_with_clients(slot); },
          .order = [this](WorkerKey key, const protocol::RecordWriter& record) { order(key, record); },
          .pass_on =
              [this](ClientId client, Slot slot, worker::FileDescriptor rows) {
                control_.answer(client, connections_answer(slot), std::move(rows));
              },
          .finish =
              [this](ClientId client, const std::vector<Slot>& missing) {
                control_.answer(client, missing_answer(missing));
                control_.finish(client, CommandStatus::done);
              }};
}

CommandStatus Master::run() {
  if (resumed_) {
    log::info("wsd {} has replaced its binary: {} workers, generation {}", WSD_VERSION, supervisor_.count(),
              supervisor_.generation());
    request_reload(upgraded_for_, {});
  } else {
    const Options& options = plans_.wanted().options;
    log::info("wsd {} starts: app {}, {} workers", WSD_VERSION, *options.app, *options.count);
    tell(Started{});
  }
  while (!result_) {
    wait();
    reap();
    take_time();
  }
  return *result_;
}

void Master::wait() {
  std::vector<pollfd> fds;
  fds.push_back({.fd = signals_.fd(), .events = POLLIN, .revents = 0});
  std::vector<WorkerKey> keys;
  for (const auto& [key, process] : workers_) {
    keys.push_back(key);
    const short writable = process.has_waiting_orders() ? POLLOUT : 0;
    fds.push_back({.fd = process.descriptor(), .events = static_cast<short>(POLLIN | writable), .revents = 0});
  }
  const std::size_t first_of_control = fds.size();
  control_.append_poll_fds(fds);

  std::optional<TimePoint> deadline = earliest(supervisor_.next_deadline(), control_.next_deadline());
  deadline = earliest(deadline, reload_desk_.next_deadline());
  deadline = earliest(deadline, upgrade_desk_.next_deadline());
  deadline = earliest(deadline, publish_desk_.next_deadline());
  deadline = earliest(deadline, reopen_desk_.next_deadline());
  deadline = earliest(deadline, service_manager_.next_deadline());
  deadline = earliest(deadline, connections_desk_.next_deadline());
  timespec timeout{};
  if (deadline) {
    const auto left = std::max(Duration::zero(), *deadline - Clock::now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    timeout = {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
  }
  if (::ppoll(fds.data(), fds.size(), deadline ? &timeout : nullptr, nullptr) < 0) return;  // EINTR: look again

  ledger_.catch_up();
  if (fds[0].revents != 0) take_signals();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((fds[i + 1].revents & POLLOUT) != 0) workers_.at(keys[i]).send_waiting();
    if ((fds[i + 1].revents & ~POLLOUT) != 0) take_reports(keys[i]);
  }
  for (const auto& [client, request] : control_.handle_ready(std::span(fds).subspan(first_of_control), Clock::now())) {
    take_request(client, request);
  }
}

MasterState Master::state() const {
  const auto client = upgrade_desk_.client();
  MasterState state{.program = program_,
                    .last_key = supervisor_.last_key(),
                    .homes = bus_.homes(),
                    .ticket_secret = ticket_secret_,
                    .plans = {},
                    .addresses = {},
                    .inherited = {},
                    .workers = {},
                    .older_scoreboards = {},
                    .folded = {},
                    .exits = {},
                    .lock = lock_.descriptor(),
                    .log = log_,
                    .control = control_.listener(),
                    .waiting_client = client ? control_.descriptor_of(*client) : -1,
                    .signal_mask = signal_mask(signals_.original_mask()),
                    .started_at_s = std::chrono::floor<std::chrono::seconds>(started_at_).time_since_epoch().count(),
                    .started_ns = std::chrono::nanoseconds(started_.time_since_epoch()).count()};
  for (const ResumedWorker& worker : supervisor_.resumable()) {
    const WorkerProcess& process = workers_.at(worker.key);
    state.workers.push_back({.key = worker.key,
                             .pid = process.pid(),
                             .slot = worker.slot,
                             .generation = worker.generation,
                             .link = process.descriptor(),
                             .row = process.row(),
                             .current = worker.current,
                             .relaying = worker.relaying,
                             .serves = worker.serves,
                             .on_bus = bus_.is_on_bus(worker.key),
                             .board = 0});
  }
  sockets_.save(state);
  plans_.save(state);
  ledger_.save(state);
  if (addresses_) state.address_tables = addresses_->descriptor();
  return state;
}

}  // namespace wsd::master
