// What the supervisor wants, done.

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "master/master.h"
#include "master/worker_limits.h"
#include "protocol/close_code.h"
#include "worker/log.h"
#include "worker/master_protocol.h"

namespace wsd::master {

namespace {

using protocol::RecordWriter;
using worker::MasterField;
using worker::MasterOrder;

RecordWriter record_of(MasterOrder order, Slot slot) {
  RecordWriter record = worker::record_of(order);
  record.add_number(tag(MasterField::slot), slot);
  return record;
}

worker::FileDescriptor copy_of(int descriptor) {
  worker::FileDescriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw std::system_error(errno, std::generic_category(), "no descriptor for a worker");
  return copy;
}

worker::SlotSockets copies_of(Slot slot, const std::vector<OpenSocket>& sockets) {
  worker::SlotSockets copies{.slot = slot, .sockets = {}, .roles = {}};
  for (const OpenSocket& socket : sockets) {
    copies.sockets.push_back(copy_of(socket.descriptor));
    copies.roles.push_back(socket.role);
  }
  return copies;
}

// By the newest options, not by those that the old worker was started with.
RecordWriter hand_over_order(const Options& options) {
  RecordWriter record = worker::record_of(MasterOrder::hand_over);
  const bool relays_end = *options.tls_reload == TlsReload::drain || options.relay_timeout->count() > 0;
  const auto time = *options.tls_reload == TlsReload::drain ? Milliseconds(0) : *options.relay_timeout;
  if (relays_end) record.add_number(tag(MasterField::relay_time_ms), static_cast<std::uint64_t>(time.count()));
  return record;
}

// The last third of the time is for close handshakes, and for those that must not be cut.
std::uint64_t drain_window_ms(const Options& options) {
  return static_cast<std::uint64_t>((*options.drain_timeout * 2 / 3).count());
}

}  // namespace

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

// Null without limits per address.
worker::AddressTables* Master::addresses_for(const worker::Limits& limits, std::size_t row) {
  if (!limits.per_address.any()) return nullptr;
  if (!addresses_) addresses_.emplace(worker::AddressTables::create(worker::connections_allowed(limits)));
  addresses_->open_row(row);
  return &*addresses_;
}

worker::Heritage Master::heritage_for(const Spawn& spawn, std::size_t row, worker::RecordSocket link) {
  const Plan& plan = plans_.of(spawn.generation);
  worker::TlsMaterial tls = plan.tls;
  tls.ticket_secret = ticket_secret_;
  const worker::Limits limits = limits_of(plan.options);
  return {.name = *plan.options.name,
          .slot = spawn.slot,
          .incarnation = spawn.key,
          .generation = spawn.generation,
          .count = *plan.options.count,
          .homes = bus_.homes(),
          .sockets = copies_of(spawn.slot, sockets_.of_slot(spawn.slot, addresses_of(plan.options))),
          .access_log = plan.access_log == nullptr ? worker::FileDescriptor() : copy_of(plan.access_log->get()),
          .master = std::move(link),
          .scoreboard = &ledger_.scoreboard(),
          .scoreboard_row = row,
          .addresses = addresses_for(limits, row),
          .app = plan.code.builtin,
          .module = plan.code.module == nullptr ? worker::FileDescriptor() : copy_of(plan.code.module->get()),
          .app_name = *plan.options.app,
          .settings = plan.settings,
          .api_token = plan.api_token,
          .page = *plan.options.page,
          .subprotocol = *plan.options.subprotocol,
          .origins = origin_rules_of(plan.options),
          .proxies = trusted_proxies_of(plan.options),
          .tls = std::move(tls),
          .privileges = plan.privileges,
          .limits = limits,
          .proving = spawn.generation > proved_,
          .successor = spawn.successor};
}

void Master::act(const Spawn& action) {
  std::optional<std::size_t> row;
  try {
    row = ledger_.open_row(action.slot, action.generation);
    auto [ours, theirs] = worker::RecordSocket::make_pair();
    const auto [worker, is_new] = workers_.try_emplace(action.key, heritage_for(action, *row, std::move(theirs)),
                                                       std::move(ours), log_, [this] { signals_.close_in_child(); });
    ledger_.set_pid(*row, worker->second.pid());
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
    order(action.from, hand_over_order(plans_.wanted().options), {from.descriptor()});
    bus_.begin_handoff(action.from);
  } catch (const std::system_error& error) {
    tell(HandoffFailed{action.from, error.what()});
  }
}

void Master::act(const BeginToServe& action) {
  order(action.key, worker::record_of(MasterOrder::begin_to_serve));
}

void Master::act(const Serve& action) {
  std::vector<int> descriptors;
  std::string kinds;
  std::string proxied;
  for (const OpenSocket& socket : sockets_.of_slot(action.slot)) {
    descriptors.push_back(socket.descriptor);
    kinds += static_cast<char>(socket.role.kind);
    proxied += socket.role.proxied ? '1' : '0';
  }
  RecordWriter record = record_of(MasterOrder::serve, action.slot);
  record.add(tag(MasterField::kinds), kinds);
  record.add(tag(MasterField::proxied), proxied);
  order(action.key, record, descriptors);
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

void Master::act(const EndRelay& action) {
  RecordWriter record = worker::record_of(MasterOrder::end_relay);
  record.add_number(tag(MasterField::relay), action.key);
  record.add_number(tag(MasterField::window_ms), drain_window_ms(plans_.wanted().options));
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    if (view.current && view.slot == action.slot) order(view.key, record);
  }
}

void Master::act(const Drain& action) {
  const bool stop = action.reason == DrainReason::graceful_stop;
  const auto code = stop ? protocol::close_code::going_away : protocol::close_code::service_restart;
  RecordWriter record = worker::record_of(MasterOrder::drain);
  record.add_number(tag(MasterField::close_code), code);
  record.add_number(tag(MasterField::window_ms), drain_window_ms(plans_.wanted().options));
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
    sockets_.open(addresses_of(plans_.wanted().options), action.count);
  } catch (const CommandError& error) {
    log::error("slots without sockets serve nobody: {}", error.what());
  }
}

void Master::act(const RetireSlot& action) {
  sockets_.retire(action.slot);
}

void Master::act(const CountExit& action) {
  ledger_.count_exit(action.status, action.lost);
}

void Master::act(const ReportStarted& /*action*/) {
  log::info("started: generation 1, {} workers", supervisor_.count());
  on_started_(status());
  report_.success();
  service_manager_.ready(status_line(), Clock::now());
}

void Master::act(const ReportStartFailed& action) {
  log::error("start failed: {}", action.reason);
  report_.failure(CommandStatus::failed, action.reason);
  service_manager_.failed(action.reason, Clock::now());
  start_failure_ = action.reason;
}

void Master::act(const ReportReloaded& action) {
  settle_on(action.generation);
  std::uint64_t draining = 0;
  for (const WorkerStatus& worker : status().draining) draining += worker.counters.connections;
  reload_desk_.report_done(action.generation, supervisor_.count(), draining);
}

void Master::act(const ReportReloadFailed& action) {
  log::error("reload failed: {}", action.reason);
  if (reload_desk_.is_last()) settle_on(supervisor_.generation());
  reload_desk_.report_failed(action.reason);
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

// No reload is under way: this generation's addresses are the ones to serve, and the next reload builds on its options.
// Plans of older generations stay while a slot may still be respawned with one.
void Master::settle_on(Generation generation) {
  if (reload_desk_.is_last()) plans_.want(generation);
  if (supervisor_.stopping()) return;
  const Options& options = plans_.of(generation).options;
  try {
    sockets_.open(addresses_of(options), supervisor_.count());
    if (reload_desk_.is_last()) sockets_.keep_only(addresses_of(options));
  } catch (const CommandError& error) {
    log::error("{}; the addresses that are open stay open", error.what());
  }
  bus_.limit_homes(supervisor_.count());
  supervisor_.change_timeouts(*options.stop_timeout, *options.drain_timeout, *options.watchdog);
  plans_.forget_older_than(std::min(generation, supervisor_.oldest_generation()));
}

}  // namespace wsd::master
