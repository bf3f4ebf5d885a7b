#include "master/master.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "master/app_source.h"
#include "protocol/close_code.h"
#include "worker/log.h"
#include "worker/master_protocol.h"

namespace wsd::master {

namespace {

using protocol::RecordWriter;
using worker::MasterField;
using worker::MasterOrder;
using worker::WorkerReport;

RecordWriter record_of(MasterOrder order, Slot slot) {
  RecordWriter record = worker::record_of(order);
  record.add_number(tag(MasterField::slot), slot);
  return record;
}

SupervisorSettings supervisor_settings(const Options& options) {
  SupervisorSettings settings;
  settings.count = *options.count;
  settings.stop_timeout = *options.stop_timeout;
  settings.drain_timeout = *options.drain_timeout;
  settings.watchdog = *options.watchdog;
  return settings;
}

// A terminal that goes away takes the foreground server with it; one without a terminal is told to reload.
bool has_controlling_terminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::tcgetpgrp(STDIN_FILENO) >= 0;
}

worker::FileDescriptor copy_of(int descriptor) {
  worker::FileDescriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw std::system_error(errno, std::generic_category(), "no descriptor for a worker");
  return copy;
}

std::vector<worker::FileDescriptor> copies_of(const std::vector<int>& descriptors) {
  std::vector<worker::FileDescriptor> copies;
  for (const int descriptor : descriptors) copies.push_back(copy_of(descriptor));
  return copies;
}

std::string_view state_name(WorkerState state) {
  switch (state) {
    case WorkerState::starting:
      return "starting";
    case WorkerState::running:
      return "running";
    case WorkerState::busy:
      return "busy";
    case WorkerState::stopping:
      return "stopping";
  }
  return "";
}

std::string own_program() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

std::vector<ResumedWorker> resumed_workers(const MasterState& state) {
  std::vector<ResumedWorker> workers;
  for (const MasterState::Worker& worker : state.workers) {
    workers.push_back({worker.key, worker.slot, worker.generation, worker.current, worker.serves});
  }
  return workers;
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

// A slot whose worker died and is not respawned yet still has its line.
void add_empty_slots(std::vector<WorkerStatus>& workers, unsigned count, WorkerState state) {
  for (unsigned slot = 0; slot < count; ++slot) {
    if (slot < workers.size() && workers[slot].slot == slot) continue;
    WorkerStatus empty;
    empty.slot = slot;
    empty.state = state_name(state);
    workers.insert(workers.begin() + slot, empty);
  }
}

// The first lines of what a compiler said tell what is wrong; the rest is for the terminal.
void log_messages(const std::vector<std::string>& messages) {
  constexpr std::size_t logged = 5;
  for (std::size_t i = 0; i < std::min(logged, messages.size()); ++i) log::warning("compiler: {}", messages[i]);
}

}  // namespace

worker::Limits limits_from(const Options& options) {
  worker::Limits limits;
  limits.max_message = *options.max_message;
  limits.send_queue = *options.send_queue;
  limits.handshake_timeout = *options.handshake_timeout;
  limits.ping_interval = *options.ping_interval;
  limits.idle_timeout = *options.idle_timeout;
  limits.close_timeout = *options.close_timeout;
  limits.stop_timeout = *options.stop_timeout;
  limits.drain_timeout = *options.drain_timeout;
  limits.handoff_patience = std::min<std::chrono::milliseconds>(limits.handoff_patience, *options.watchdog / 2);
  return limits;
}

Master::Master(const Options& options, const AppCode& code, const RunDirectory& directory, const InstanceLock& lock,
               int log, StartReport& report, std::function<void(const Status&)> on_started)
    : log_(log),
      lock_(lock),
      program_(own_program()),
      hangup_means_stop_(has_controlling_terminal()),
      report_(report),
      on_started_(std::move(on_started)),
      started_at_(std::chrono::system_clock::now()),
      started_(Clock::now()),
      resumed_(false),
      plans_({{1, {options, code}}}),
      supervisor_(supervisor_settings(options)),
      sockets_(worker::Limits{}.socket_send_buffer),
      bus_(*options.count, bus_order()),
      control_(directory.control_socket()),
      pid_file_(directory.pid_file()) {
  sockets_.open(*options.listen, *options.count);
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
      last_generation_(state.last_generation),
      wanted_generation_(state.wanted_generation),
      supervisor_(supervisor_settings(options), resumed_workers(state), state.last_key, state.last_generation,
                  Clock::now()),
      signals_(signal_set(state.signal_mask)),
      sockets_(worker::Limits{}.socket_send_buffer, state.addresses),
      ledger_(state),
      bus_(state.homes == 0 ? supervisor_.count() : state.homes, bus_order()),
      control_(RunDirectory::locate(options).control_socket(), worker::FileDescriptor(state.control)),
      pid_file_(RunDirectory::locate(options).pid_file(), PidFile::Keep()) {
  for (const MasterState::Plan& plan : state.plans) {
    auto plan_options = options_from_json(plan.options);
    if (!plan_options) throw CommandError(CommandStatus::failed, plan_options.error());
    AppCode code =
        plan.module == -1 ? load_app_code(*plan_options->app) : seal_app_code(worker::FileDescriptor(plan.module));
    plans_.emplace(plan.generation, Plan{std::move(*plan_options), std::move(code)});
  }
  for (const MasterState::Worker& worker : state.workers) {
    workers_.try_emplace(worker.key, worker.pid, worker.row, worker::RecordSocket(worker::FileDescriptor(worker.link)));
    if (worker.on_bus) bus_.adopt(worker.slot, worker.key);
  }
  if (state.waiting_client != -1) upgrade_client_ = control_.adopt(worker::FileDescriptor(state.waiting_client));
}

CommandStatus Master::run() {
  if (resumed_) {
    log::info("wsd {} has replaced its binary: {} workers, generation {}", WSD_VERSION, supervisor_.count(),
              supervisor_.generation());
    request_reload(std::exchange(upgrade_client_, std::nullopt), {});
  } else {
    const Options& options = plans_.at(wanted_generation_).options;
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

// ---- what happened --------------------------------------------------------------------------------------------------

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

  std::optional<TimePoint> deadline = supervisor_.next_deadline();
  if (const auto other = control_.next_deadline(); other && (!deadline || *other < *deadline)) deadline = other;
  if (build_ != nullptr) deadline = std::min(deadline.value_or(build_->next_deadline()), build_->next_deadline());
  if (trial_ != nullptr) deadline = std::min(deadline.value_or(trial_->next_deadline()), trial_->next_deadline());
  timespec timeout{};
  if (deadline) {
    const auto left = std::max(Duration::zero(), *deadline - Clock::now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    timeout = {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
  }
  if (::ppoll(fds.data(), fds.size(), deadline ? &timeout : nullptr, nullptr) < 0) return;  // EINTR: look again

  if (fds[0].revents != 0) take_signals();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if ((fds[i + 1].revents & POLLOUT) != 0) workers_.at(keys[i]).send_waiting();
    if ((fds[i + 1].revents & ~POLLOUT) != 0) take_reports(keys[i]);
  }
  for (const auto& [client, request] : control_.handle_ready(std::span(fds).subspan(first_of_control), Clock::now())) {
    take_request(client, request);
  }
}

void Master::take_signals() {
  while (const auto received = signals_.take()) take_signal(*received);
}

void Master::take_signal(const SignalInbox::Received& received) {
  switch (received.signal) {
    case SIGINT:
    case SIGTERM:
      return request_stop(false);
    case SIGQUIT:
      return request_stop(true);
    case SIGHUP:
      if (hangup_means_stop_) return request_stop(false);
      return request_reload(std::nullopt, {});
    case SIGUSR1:
      return request_reload(std::nullopt, {});
    case SIGUSR2:
      return request_upgrade(std::nullopt);
    default:
      return;  // CHLD: reap() looks every turn
  }
}

void Master::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (build_ != nullptr && build_->pid() == pid) {
      finish_build(status);
      continue;
    }
    if (trial_ != nullptr && trial_->pid() == pid) {
      finish_trial(status);
      continue;
    }
    const auto found = std::ranges::find_if(workers_, [pid](const auto& entry) { return entry.second.pid() == pid; });
    if (found == workers_.end()) continue;
    const WorkerKey key = found->first;
    take_reports(key);  // what it said before it went
    ledger_.close_row(found->second.row());
    workers_.erase(found);
    bus_.died(key);
    auto last_words = last_words_.extract(key);
    tell(Exited{.key = key,
                .status = WIFSIGNALED(status) ? ExitStatus{.signal = WTERMSIG(status)}
                                              : ExitStatus{.code = WEXITSTATUS(status)},
                .last_words = last_words ? std::move(last_words.mapped()) : std::string()});
  }
}

void Master::take_reports(WorkerKey key) {
  for (;;) {
    const auto found = workers_.find(key);
    if (found == workers_.end()) return;
    const auto received = found->second.receive();
    if (received.status != worker::RecordSocket::Status::done) return;  // its end is waitpid's to tell
    if (const auto record = protocol::RecordReader::parse(received.bytes)) take_report(key, *record);
  }
}

void Master::take_report(WorkerKey key, const protocol::RecordReader& record) {
  const auto number = [&record](MasterField field) { return record.number(tag(field)).value_or(0); };
  const auto text = [&record](MasterField field) { return std::string(record.find(tag(field)).value_or("")); };
  switch (static_cast<WorkerReport>(record.type())) {
    case WorkerReport::ready:
      return tell(Ready{key});
    case WorkerReport::cannot_start:
      last_words_[key] = text(MasterField::reason);
      return;
    case WorkerReport::released:
      return tell(Released{key, static_cast<Slot>(number(MasterField::slot))});
    case WorkerReport::took_over:
      return tell(note_handoff({.key = key,
                                .connections = number(MasterField::connections),
                                .pause = std::chrono::microseconds(number(MasterField::pause_us))}));
    case WorkerReport::handoff_failed:
      bus_.handoff_failed(key);
      return tell(HandoffFailed{key, text(MasterField::reason)});
    case WorkerReport::full:
      return tell(Full{key});
    case WorkerReport::has_room:
      return tell(HasRoom{key});
    case WorkerReport::joins_bus:
      if (const auto slot = slot_of(key)) bus_.join(*slot, key);
      return;
  }
}

std::optional<Slot> Master::slot_of(WorkerKey key) const {
  const auto views = supervisor_.workers();
  const auto view = std::ranges::find(views, key, &Supervisor::WorkerView::key);
  return view == views.end() ? std::nullopt : std::optional(view->slot);
}

// Counted before the supervisor hears of it, since that may be the last slot of the reload.
TookOver Master::note_handoff(const TookOver& event) {
  reload_report_.count(event);
  const auto slot = slot_of(event.key);
  if (!slot) return event;
  bus_.took_over(*slot, event.key);
  if (!reload_clients_.empty() && reload_clients_.front()) {
    control_.answer(*reload_clients_.front(), progress_answer(progress_text(*slot, event)));
  }
  return event;
}

void Master::take_request(ClientId client, const ControlRequest& request) {
  switch (request.command) {
    case ControlCommand::status:
      control_.answer(client, status_answer(to_json(status())));
      return control_.finish(client, CommandStatus::done);
    case ControlCommand::options:
      control_.answer(client, options_answer(plans_.at(wanted_generation_).options));
      return control_.finish(client, CommandStatus::done);
    case ControlCommand::stop:
      stop_clients_.push_back(client);
      return request_stop(request.graceful);
    case ControlCommand::reload:
      return request_reload(client, request.options);
    case ControlCommand::upgrade:
      return request_upgrade(client);
  }
}

void Master::take_time() {
  if (build_ != nullptr) build_->handle_time(Clock::now());
  if (trial_ != nullptr) trial_->handle_time(Clock::now());
  for (const auto& [key, process] : workers_) {
    if (const auto stamp = ledger_.heartbeat(process.row())) tell(Heartbeat{key, *stamp});
  }
  tell(Tick{});
}

void Master::request_stop(bool graceful) {
  // From here on new clients are refused at once, rather than accepted to be sent away.
  sockets_.close_all();
  cancel_waiting_reloads();
  if (trial_ != nullptr) trial_->cancel();
  if (std::exchange(stop_requested_, true) && !graceful) return tell(StopNowRequested{});
  log::info("{}", graceful ? "stopping gracefully" : "stopping");
  tell(StopRequested{graceful});
}

// Reloads come to the supervisor in the order in which they were asked for: one that must be compiled holds up those
// behind it, and nothing else.
void Master::request_reload(std::optional<ClientId> client, const Options& changes) {
  waiting_reloads_.push_back({client, changes});
  begin_waiting_reloads();
}

void Master::begin_waiting_reloads() {
  while (build_ == nullptr && !waiting_reloads_.empty()) {
    const ReloadRequest request = std::move(waiting_reloads_.front());
    waiting_reloads_.pop_front();
    try {
      begin_reload(request);
    } catch (const CommandError& error) {
      refuse_reload(request.client, error.what());
    }
  }
}

void Master::begin_reload(const ReloadRequest& request) {
  Plan plan = plans_.at(wanted_generation_);
  plan.options.merge(request.changes);
  if (supervisor_.stopping() || app_kind(*plan.options.app) != AppKind::source) {
    if (!supervisor_.stopping()) plan.code = load_app_code(*plan.options.app);
    return start_generation(request.client, std::move(plan));
  }
  log::info("reloading: {} is compiled", *plan.options.app);
  build_ = std::make_unique<AppBuild>(
      *plan.options.app, log_, [this] { signals_.close_in_child(); }, Clock::now());
  building_ = Building{request.client, std::move(plan)};
}

void Master::finish_build(int wait_status) {
  const auto build = std::exchange(build_, nullptr);
  Building what = std::move(building_);
  try {
    AppBuild::Outcome outcome = build->finish(wait_status);
    log_messages(outcome.messages);
    if (what.client) {
      for (const std::string& line : outcome.messages) control_.answer(*what.client, info_answer(line));
    }
    if (!outcome.code) throw CommandError(CommandStatus::failed, outcome.failure);
    what.plan.code = std::move(*outcome.code);
    start_generation(what.client, std::move(what.plan));
  } catch (const CommandError& error) {
    refuse_reload(what.client, error.what());
  }
  begin_waiting_reloads();
}

// ---- the binary's replacement

void Master::request_upgrade(std::optional<ClientId> client) {
  if (trial_ != nullptr || build_ != nullptr || !supervisor_.is_calm()) {
    log::warning("upgrade refused: a reload, an upgrade, a respawn or a stop is under way");
    if (!client) return;
    return control_.finish(*client, CommandStatus::failed,
                           "upgrade refused: a reload, an upgrade, a respawn or a stop is under way; try again");
  }
  upgrade_client_ = client;
  try {
    trial_ = std::make_unique<UpgradeTrial>(
        state(), [this] { signals_.close_in_child(); }, Clock::now());
    log::info("upgrading: {} is on trial", program_);
  } catch (const CommandError& error) {
    refuse_upgrade(error.what());
  }
}

void Master::finish_trial(int wait_status) {
  const std::string failure = std::exchange(trial_, nullptr)->finish(wait_status);
  if (!failure.empty()) return refuse_upgrade(failure);
  if (!supervisor_.is_calm() || build_ != nullptr) {
    return refuse_upgrade("a reload, a respawn or a stop came in between; try again");
  }
  log::info("upgrading: the trial was good, {} takes over", program_);
  if (upgrade_client_) control_.answer(*upgrade_client_, progress_answer("the new binary takes over"));
  refuse_upgrade(exec_in_place(state()));  // or never comes back
}

void Master::refuse_upgrade(const std::string& reason) {
  log::error("upgrade refused, nothing has changed: {}", reason);
  const auto client = std::exchange(upgrade_client_, std::nullopt);
  if (client) {
    control_.finish(*client, CommandStatus::failed, fmt::format("upgrade refused, nothing has changed: {}", reason));
  }
}

MasterState Master::state() const {
  MasterState state{.program = program_,
                    .last_generation = last_generation_,
                    .wanted_generation = wanted_generation_,
                    .last_key = supervisor_.last_key(),
                    .homes = bus_.homes(),
                    .plans = {},
                    .addresses = sockets_.state(),
                    .workers = {},
                    .folded = {},
                    .exits = {},
                    .lock = lock_.descriptor(),
                    .log = log_,
                    .control = control_.listener(),
                    .waiting_client = upgrade_client_ ? control_.descriptor_of(*upgrade_client_) : -1,
                    .signal_mask = signal_mask(signals_.original_mask()),
                    .started_at_s = std::chrono::floor<std::chrono::seconds>(started_at_).time_since_epoch().count(),
                    .started_ns = std::chrono::nanoseconds(started_.time_since_epoch()).count()};
  for (const auto& [generation, plan] : plans_) {
    state.plans.push_back({generation, to_json(plan.options), plan.code.module ? plan.code.module->get() : -1});
  }
  for (const ResumedWorker& worker : supervisor_.resumable()) {
    const WorkerProcess& process = workers_.at(worker.key);
    state.workers.push_back({worker.key, process.pid(), worker.slot, worker.generation, process.descriptor(),
                             process.row(), worker.current, worker.serves, bus_.is_on_bus(worker.key)});
  }
  ledger_.save(state);
  return state;
}

void Master::cancel_waiting_reloads() {
  if (build_ != nullptr) build_->cancel(Clock::now());
  for (const ReloadRequest& request : std::exchange(waiting_reloads_, {})) {
    refuse_reload(request.client, "the server stops");
  }
}

void Master::refuse_reload(std::optional<ClientId> client, const std::string& reason) {
  log::error("reload refused: {}", reason);
  if (client) control_.finish(*client, CommandStatus::failed, fmt::format("reload refused: {}", reason));
}

void Master::start_generation(std::optional<ClientId> client, Plan plan) {
  if (!supervisor_.stopping()) sockets_.open(*plan.options.listen, supervisor_.count());
  reload_clients_.push_back(client);
  log::set_level(*plan.options.log_level);
  const unsigned count = *plan.options.count;
  wanted_generation_ = ++last_generation_;
  plans_.emplace(wanted_generation_, std::move(plan));
  log::info("reloading: generation {}", wanted_generation_);
  tell(ReloadRequested{count});
}

// ---- what the supervisor wants --------------------------------------------------------------------------------------

// An action may be the cause of an event: that one waits until all actions of this one are done.
void Master::tell(Event event) {
  untold_.push_back(std::move(event));
  if (std::exchange(telling_, true)) return;
  while (!untold_.empty()) {
    const Event next = std::move(untold_.front());
    untold_.pop_front();
    for (const Action& action : supervisor_.handle(next, Clock::now())) {
      std::visit([this](const auto& what) { act(what); }, action);
    }
  }
  telling_ = false;
}

worker::Heritage Master::heritage_for(const Spawn& spawn, std::size_t row, worker::RecordSocket link) {
  const Plan& plan = plans_.at(spawn.generation);
  return {.name = *plan.options.name,
          .slot = spawn.slot,
          .incarnation = spawn.key,
          .generation = spawn.generation,
          .count = *plan.options.count,
          .homes = bus_.homes(),
          .sockets = {spawn.slot, copies_of(sockets_.of_slot(spawn.slot, *plan.options.listen))},
          .master = std::move(link),
          .scoreboard = &ledger_.scoreboard(),
          .scoreboard_row = row,
          .app = plan.code.builtin,
          .module = plan.code.module == nullptr ? worker::FileDescriptor() : copy_of(plan.code.module->get()),
          .app_name = *plan.options.app,
          .settings = *plan.options.set,
          .limits = limits_from(plan.options),
          .successor = spawn.successor};
}

void Master::act(const Spawn& action) {
  std::optional<std::size_t> row;
  try {
    row = ledger_.open_row();
    auto [ours, theirs] = worker::RecordSocket::make_pair();
    workers_.try_emplace(action.key, heritage_for(action, *row, std::move(theirs)), std::move(ours), log_,
                         [this] { signals_.close_in_child(); });
  } catch (const std::system_error& error) {
    spawn_failed(action.key, row, error.code().value());
  } catch (const std::exception& error) {
    log::error("no worker could be spawned: {}", error.what());
    spawn_failed(action.key, row, ENOMEM);
  }
}

void Master::spawn_failed(WorkerKey key, std::optional<std::size_t> row, int error) {
  if (row) ledger_.close_row(*row);
  tell(SpawnFailed{key, error});
}

void Master::order(WorkerKey key, const RecordWriter& record, const std::vector<int>& descriptors) {
  const auto found = workers_.find(key);
  if (found != workers_.end()) found->second.order(record, descriptors);
}

BusPairs::Order Master::bus_order() {
  return [this](WorkerKey key, const RecordWriter& record, const std::vector<int>& descriptors) {
    order(key, record, descriptors);
  };
}

void Master::act(const HandOver& action) {
  try {
    auto [from, to] = worker::RecordSocket::make_pair();
    order(action.to, worker::record_of(MasterOrder::take_over), {to.descriptor()});
    order(action.from, worker::record_of(MasterOrder::hand_over), {from.descriptor()});
    bus_.begin_handoff(action.from);
  } catch (const std::system_error& error) {
    tell(HandoffFailed{action.from, error.what()});
  }
}

void Master::act(const BeginToServe& action) {
  order(action.key, worker::record_of(MasterOrder::begin_to_serve));
}

void Master::act(const Serve& action) {
  order(action.key, record_of(MasterOrder::serve, action.slot), sockets_.of_slot(action.slot));
}

void Master::act(const Release& action) {
  order(action.key, record_of(MasterOrder::release, action.slot));
}

void Master::act(const Refuse& action) {
  order(action.key, worker::record_of(MasterOrder::refuse));
}

void Master::act(const StopRefusing& action) {
  order(action.key, worker::record_of(MasterOrder::stop_refusing));
}

void Master::act(const Drain& action) {
  const bool stop = action.reason == DrainReason::graceful_stop;
  const auto code = stop ? protocol::close_code::going_away : protocol::close_code::service_restart;
  // The last third of the time is for close handshakes, and for those that must not be cut.
  const auto window = *plans_.at(wanted_generation_).options.drain_timeout * 2 / 3;
  RecordWriter record = worker::record_of(MasterOrder::drain);
  record.add_number(tag(MasterField::close_code), code);
  record.add_number(tag(MasterField::window_ms), static_cast<std::uint64_t>(window.count()));
  record.add_number(tag(MasterField::retire), action.reason == DrainReason::slot_retired ? 1 : 0);
  order(action.key, record);
}

void Master::act(const Leave& action) {
  order(action.key, worker::record_of(MasterOrder::leave));
}

void Master::act(const Abort& action) {
  if (const auto found = workers_.find(action.key); found != workers_.end()) found->second.signal(SIGABRT);
}

void Master::act(const Kill& action) {
  if (const auto found = workers_.find(action.key); found != workers_.end()) found->second.signal(SIGKILL);
}

void Master::act(const OpenSlots& action) {
  try {
    sockets_.open(*plans_.at(wanted_generation_).options.listen, action.count);
  } catch (const CommandError& error) {
    log::error("slots without sockets serve nobody: {}", error.what());
  }
}

void Master::act(const RetireSlot& action) {
  sockets_.retire(action.slot);
}

void Master::act(const CountExit& action) {
  ledger_.count_exit(action.status);
}

void Master::act(const ReportStarted& /*action*/) {
  log::info("started: generation 1, {} workers", supervisor_.count());
  on_started_(status());
  report_.success();
}

void Master::act(const ReportStartFailed& action) {
  log::error("start failed: {}", action.reason);
  report_.failure(CommandStatus::failed, action.reason);
  start_failure_ = action.reason;
}

void Master::act(const ReportReloaded& action) {
  settle_on(action.generation);
  reload_report_.generation = action.generation;
  reload_report_.workers = supervisor_.count();
  reload_report_.draining = 0;
  for (const WorkerStatus& worker : status().draining) reload_report_.draining += worker.counters.connections;
  log::info("reloaded: {}", to_text(reload_report_));
  answer_reload(CommandStatus::done, {});
}

void Master::act(const ReportReloadFailed& action) {
  log::error("reload failed: {}", action.reason);
  if (reload_clients_.size() <= 1) settle_on(supervisor_.generation());
  answer_reload(CommandStatus::failed, action.reason);
}

void Master::act(const ReportStopped& action) {
  result_ = action.survivors || start_failure_ ? CommandStatus::failed : CommandStatus::done;
  log::info("stopped");
  for (const ClientId client : stop_clients_) {
    control_.finish(client, action.survivors ? CommandStatus::failed : CommandStatus::done,
                    action.survivors ? "a worker survived KILL; look for it with ps and ask the kernel's log why" : "");
  }
}

void Master::act(const Log& action) {
  switch (action.level) {
    case LogLevel::info:
      return log::info("{}", action.text);
    case LogLevel::warning:
      return log::warning("{}", action.text);
    case LogLevel::error:
      return log::error("{}", action.text);
  }
}

// Reloads are answered in the order in which they were asked for.
void Master::answer_reload(CommandStatus status, const std::string& error) {
  const ReloadReport report = std::exchange(reload_report_, {});
  if (reload_clients_.empty()) return;
  const std::optional<ClientId> client = reload_clients_.front();
  reload_clients_.pop_front();
  if (!client) return;
  if (status == CommandStatus::done) {
    control_.answer(*client, reload_answer(to_json(report)));
    control_.answer(*client, info_answer(to_text(report)));
  }
  control_.finish(*client, status, error);
}

// No reload is under way: this generation's addresses are the ones to serve, and the next reload builds on its options.
// Plans of older generations stay while a slot may still be respawned with one.
void Master::settle_on(Generation generation) {
  if (reload_clients_.size() <= 1) wanted_generation_ = generation;
  if (supervisor_.stopping()) return;
  const Options& options = plans_.at(generation).options;
  try {
    sockets_.open(*options.listen, supervisor_.count());
    if (reload_clients_.size() <= 1) sockets_.keep_only(*options.listen);
  } catch (const CommandError& error) {
    log::error("{}; the addresses that are open stay open", error.what());
  }
  bus_.limit_homes(supervisor_.count());
  supervisor_.change_timeouts(*options.stop_timeout, *options.drain_timeout);
  const Generation oldest = std::min(generation, supervisor_.oldest_generation());
  std::erase_if(plans_, [oldest](const auto& entry) { return entry.first < oldest; });
}

// ---- what is shown --------------------------------------------------------------------------------------------------

Status Master::status() const {
  const Generation generation = supervisor_.generation();
  const Options& options = plans_.at(generation).options;
  Status status{.name = *options.name,
                .version = WSD_VERSION,
                .pid = ::getpid(),
                .started_at = started_at_,
                .uptime_s = std::chrono::duration<double>(Clock::now() - started_).count(),
                .generation = generation,
                .app = *options.app,
                .listen = {},
                .workers = {},
                .draining = {},
                .totals = ledger_.totals(),
                .exits = ledger_.exits()};
  for (const ListenUrl& url : sockets_.addresses()) status.listen.push_back(to_string(url));
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    (view.current ? status.workers : status.draining).push_back(status_of(view));
  }
  add_empty_slots(status.workers, supervisor_.count(),
                  supervisor_.stopping() ? WorkerState::stopping : WorkerState::starting);
  return status;
}

WorkerStatus Master::status_of(const Supervisor::WorkerView& view) const {
  WorkerStatus status{.slot = view.slot,
                      .pid = 0,
                      .generation = view.generation,
                      .state = std::string(state_name(view.state)),
                      .counters = {},
                      .rss_bytes = 0,
                      .loop_lag_ms = 0};
  const auto found = workers_.find(view.key);
  if (found == workers_.end()) return status;
  status.pid = found->second.pid();
  status.counters = ledger_.counters(found->second.row());
  status.rss_bytes = resident_bytes(status.pid);
  status.loop_lag_ms = ledger_.loop_lag_ms(found->second.row());
  return status;
}

}  // namespace wsd::master
