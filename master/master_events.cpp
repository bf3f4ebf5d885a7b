// What happened, told to the supervisor or to the desk that it concerns.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "master/master.h"
#include "worker/log.h"
#include "worker/master_protocol.h"

namespace wsd::master {

using worker::MasterField;
using worker::WorkerReport;

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
      return upgrade_desk_.request(std::nullopt);
    default:
      return;  // CHLD: reap() looks every turn
  }
}

void Master::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (reload_desk_.take_exit(pid, status) || upgrade_desk_.take_exit(pid, status)) continue;
    const auto found = std::ranges::find_if(workers_, [pid](const auto& entry) { return entry.second.pid() == pid; });
    if (found == workers_.end()) continue;
    const WorkerKey key = found->first;
    take_reports(key);                                           // what it said before it went
    if (addresses_) addresses_->clear_row(found->second.row());  // before another process gets it
    const HeldHistory history = ledger_.history(found->second.row());
    ledger_.close_row(found->second.row());
    workers_.erase(found);
    bus_.died(key);
    publish_desk_.died(key);
    reopen_desk_.died(key);
    connections_desk_.died(key);
    auto last_words = last_words_.extract(key);
    tell(Exited{.key = key,
                .status = WIFSIGNALED(status) ? ExitStatus{.signal = WTERMSIG(status)}
                                              : ExitStatus{.code = WEXITSTATUS(status)},
                .last_words = last_words ? std::move(last_words.mapped()) : std::string(),
                .history = history});
  }
}

void Master::take_reports(WorkerKey key) {
  for (;;) {
    const auto found = workers_.find(key);
    if (found == workers_.end()) return;
    auto received = found->second.receive();
    if (received.status != worker::RecordSocket::Status::done) return;  // its end is waitpid's to tell
    if (const auto record = protocol::RecordReader::parse(received.bytes)) {
      take_report(key, *record, std::move(received.descriptors));
    }
  }
}

void Master::take_report(WorkerKey key, const protocol::RecordReader& record,
                         std::vector<worker::FileDescriptor> descriptors) {
  const auto number = [&record](MasterField field) { return record.number(tag(field)).value_or(0); };
  const auto text = [&record](MasterField field) { return std::string(record.find(tag(field)).value_or("")); };
  switch (static_cast<WorkerReport>(record.type())) {
    case WorkerReport::ready:
      note_proved(key);
      return tell(Ready{key});
    case WorkerReport::cannot_start:
      last_words_[key] = text(MasterField::reason);
      return;
    case WorkerReport::released:
      return tell(Released{key, static_cast<Slot>(number(MasterField::slot))});
    case WorkerReport::took_over: {
      take_reports_of_predecessor(key);
      const TookOver event{.key = key,
                           .connections = number(MasterField::connections),
                           .pause = std::chrono::microseconds(number(MasterField::pause_us))};
      note_handoff(event);
      return tell(event);
    }
    case WorkerReport::handoff_failed:
      bus_.handoff_failed(key);
      return tell(HandoffFailed{key, text(MasterField::reason)});
    case WorkerReport::relays:
      return tell(Relays{key});
    case WorkerReport::full:
      return tell(Full{key});
    case WorkerReport::has_room:
      return tell(HasRoom{key});
    case WorkerReport::published:
      return publish_desk_.take_answer(
          key, number(MasterField::question),
          {.delivered_to = number(MasterField::delivered_to), .partial = number(MasterField::partial) != 0});
    case WorkerReport::reopened:
      return reopen_desk_.take_answer(key, number(MasterField::question), text(MasterField::reason));
    case WorkerReport::connections:
      return connections_desk_.take_answer(
          key, number(MasterField::question),
          descriptors.empty() ? worker::FileDescriptor() : std::move(descriptors.front()));
    case WorkerReport::joins_bus:
      if (const auto slot = slot_of(key)) bus_.join(*slot, key);
      return;
  }
}

// It may have said that it relays, and said so before; but no poll looks at two sockets at the same moment.
void Master::take_reports_of_predecessor(WorkerKey successor) {
  const auto slot = slot_of(successor);
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    if (view.key != successor && view.current && view.slot == slot) take_reports(view.key);
  }
}

void Master::note_proved(WorkerKey key) {
  const auto views = supervisor_.workers();
  const auto view = std::ranges::find(views, key, &Supervisor::WorkerView::key);
  if (view != views.end()) proved_ = std::max(proved_, view->generation);
}

std::optional<Slot> Master::slot_of(WorkerKey key) const {
  const auto views = supervisor_.workers();
  const auto view = std::ranges::find(views, key, &Supervisor::WorkerView::key);
  return view == views.end() ? std::nullopt : std::optional(view->slot);
}

// Counted before the supervisor hears of it, since that may be the last slot of the reload.
void Master::note_handoff(const TookOver& event) {
  const auto slot = slot_of(event.key);
  if (!slot) return;
  bus_.took_over(*slot, event.key);
  reload_desk_.note(*slot, event);
}

void Master::take_request(ClientId client, const ControlRequest& request) {
  switch (request.command) {
    case ControlCommand::status:
      control_.answer(client, status_answer(to_json(status())));
      return control_.finish(client, CommandStatus::done);
    case ControlCommand::options:
      control_.answer(client, options_answer(plans_.wanted().options, plans_.wanted().layers));
      return control_.finish(client, CommandStatus::done);
    case ControlCommand::stop:
      stop_clients_.push_back(client);
      return request_stop(request.graceful);
    case ControlCommand::reload:
      return request_reload(client, request.options);
    case ControlCommand::upgrade:
      return upgrade_desk_.request(client);
    case ControlCommand::publish:
      return publish_desk_.request(client, request.publication, Clock::now());
    case ControlCommand::reopen:
      return reopen_desk_.request(client, Clock::now());
    case ControlCommand::connections:
      return connections_desk_.request(client, request.filter, Clock::now());
  }
}

// One in a handoff may never read the question, and one that is late may be stuck; but they are better than nobody.
std::optional<WorkerKey> Master::worker_to_ask() const {
  std::optional<WorkerKey> second_best;
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    if (!view.current || (view.state != WorkerState::running && view.state != WorkerState::busy)) continue;
    if (view.state == WorkerState::running && !view.handing_over) return view.key;
    second_best = view.key;
  }
  return second_best;
}

// Those that drain have clients too; a relay's are its successor's.
std::vector<ConnectionsDesk::Asked> Master::workers_with_clients(std::optional<std::uint32_t> slot) const {
  std::vector<ConnectionsDesk::Asked> workers;
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    const bool has_clients = view.state != WorkerState::starting && view.state != WorkerState::relaying;
    if (has_clients && (!slot || *slot == view.slot)) workers.push_back({view.key, view.slot});
  }
  return workers;
}

void Master::answer_publication(ClientId client, const std::optional<Published>& published) {
  if (!published) return control_.finish(client, CommandStatus::failed, "no worker serves at the moment; try again");
  control_.answer(client, published_answer(to_json(*published)));
  control_.answer(client, info_answer(to_text(*published)));
  control_.finish(client, CommandStatus::done);
}

// By the newest options: a log that a reload has named another file for goes there now.
OpenedFiles Master::open_files() {
  const Options& options = plans_.wanted().options;
  return open_log_files(options, RunDirectory::locate(options));
}

std::map<WorkerKey, std::string> Master::names_of_workers() const {
  std::map<WorkerKey, std::string> names;
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    const auto found = workers_.find(view.key);
    if (found == workers_.end()) continue;
    names[view.key] = fmt::format("{} {} (pid {})", view.state == WorkerState::relaying ? "relay" : "worker", view.slot,
                                  found->second.pid());
  }
  return names;
}

void Master::take_time() {
  reload_desk_.handle_time(Clock::now());
  upgrade_desk_.handle_time(Clock::now());
  publish_desk_.handle_time(Clock::now());
  reopen_desk_.handle_time(Clock::now());
  connections_desk_.handle_time(Clock::now());
  for (const auto& [key, process] : workers_) {
    if (const auto stamp = ledger_.heartbeat(process.row())) tell(Heartbeat{key, *stamp});
  }
  tell(Tick{});
  ledger_.note_lost_lines(log::all_lost_lines());
  ledger_.note_server(::getpid(), started_at_, supervisor_.generation(), supervisor_.count());
  if (!reload_desk_.is_busy() && service_manager_.phase() == ServiceManager::Phase::reloading)
    service_manager_.ready(status_line(), Clock::now());
  if (service_manager_.is_due(Clock::now())) service_manager_.handle_time(status_line(), Clock::now());
}

void Master::request_reload(std::optional<ClientId> client, const Options& changes) {
  service_manager_.reloading(Clock::now());
  reload_desk_.request(client, changes);
}

void Master::request_stop(bool graceful) {
  // From here on new clients are refused at once, rather than accepted to be sent away.
  sockets_.close_all();
  service_manager_.stopping(Clock::now());
  reload_desk_.cancel_waiting();
  upgrade_desk_.cancel();
  if (std::exchange(stop_requested_, true) && !graceful) return tell(StopNowRequested{});
  log::info("{}", graceful ? "stopping gracefully" : "stopping");
  tell(StopRequested{graceful});
}

}  // namespace wsd::master
