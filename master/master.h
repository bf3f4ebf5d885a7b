// The master process: one loop that waits for signals, workers and commands, asks the supervisor what that means, and
// does it. It never touches a client's byte.
//
//   signals, records, requests, time ──► Supervisor::handle() ──► actions ──► fork, orders, answers
//
// Owns everything that outlives a worker: listening sockets, scoreboard, control socket, pid file. Its desks turn what
// people ask for into events, and answer them.
//
// master.cpp has the loop, master_events.cpp what happens, master_actions.cpp what is done about it, master_status.cpp
// what is shown.

#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "master/bus_pairs.h"
#include "master/connections_desk.h"
#include "master/control_socket.h"
#include "master/daemonize.h"
#include "master/instance_lock.h"
#include "master/ledger.h"
#include "master/listening_sockets.h"
#include "master/log_files.h"
#include "master/options.h"
#include "master/pid_file.h"
#include "master/plans.h"
#include "master/publish_desk.h"
#include "master/reload_desk.h"
#include "master/reopen_desk.h"
#include "master/run_directory.h"
#include "master/sd_notify.h"
#include "master/signal_inbox.h"
#include "master/supervisor.h"
#include "master/upgrade_desk.h"
#include "master/worker_process.h"
#include "worker/address_tables.h"

namespace wsd::master {

class Master {
 public:
  // The caller has set up the log on `log`, and made this the process that is to stay.
  // `on_started` runs once all workers serve. Binds every address: throws CommandError if it cannot.
  // `inherited`: what a service manager has opened for us.
  Master(const Plan& plan, const RunDirectory& directory, const InstanceLock& lock, int log,
         std::vector<InheritedSocket> inherited, StartReport& report, std::function<void(const Status&)> on_started);

  // The same server after this process has replaced its own binary. Throws CommandError.
  Master(const MasterState& state, const Options& options, const InstanceLock& lock, StartReport& report);

  // Until the last worker is gone.
  [[nodiscard]] CommandStatus run();
  // Why the start came to nothing, if it did.
  [[nodiscard]] const std::optional<std::string>& start_failure() const { return start_failure_; }

 private:
  using ClientId = ControlSocket::ClientId;

  // ---- what happened
  void wait();
  void take_signals();
  void take_signal(const SignalInbox::Received& received);
  void reap();
  void take_reports(WorkerKey key);
  void take_report(WorkerKey key, const protocol::RecordReader& record,
                   std::vector<worker::FileDescriptor> descriptors);
  void take_reports_of_predecessor(WorkerKey successor);
  void take_request(ClientId client, const ControlRequest& request);
  void note_handoff(const TookOver& event);
  void note_proved(WorkerKey key);
  [[nodiscard]] std::optional<Slot> slot_of(WorkerKey key) const;
  void take_time();
  void request_stop(bool graceful);
  void request_reload(std::optional<ClientId> client, const Options& changes);

  // ---- what the supervisor wants
  void tell(Event event);
  void act(const Spawn& action);
  void act(const HandOver& action);
  void act(const BeginToServe& action);
  void act(const Serve& action);
  void act(const Release& action);
  void act(const Refuse& action);
  void act(const StopRefusing& action);
  void act(const EndRelay& action);
  void act(const Drain& action);
  void act(const Leave& action);
  void act(const Abort& action);
  void act(const Kill& action);
  void act(const OpenSlots& action);
  void act(const RetireSlot& action);
  void act(const CountExit& action);
  void act(const ReportStarted& action);
  void act(const ReportStartFailed& action);
  void act(const ReportReloaded& action);
  void act(const ReportReloadFailed& action);
  void act(const ReportStopped& action);
  void act(const Log& action);

  [[nodiscard]] worker::AddressTables* addresses_for(const worker::Limits& limits, std::size_t row);
  [[nodiscard]] worker::Heritage heritage_for(const Spawn& spawn, std::size_t row, worker::RecordSocket link);
  void spawn_failed(WorkerKey key, std::optional<std::size_t> row, int error);
  void order(WorkerKey key, const protocol::RecordWriter& record, const std::vector<int>& descriptors = {});
  [[nodiscard]] BusPairs::Order bus_order();
  void settle_on(Generation generation);

  [[nodiscard]] ReloadDesk::Surroundings around_reloads();
  [[nodiscard]] UpgradeDesk::Surroundings around_upgrades();
  [[nodiscard]] PublishDesk::Surroundings around_publications();
  [[nodiscard]] ConnectionsDesk::Surroundings around_connections();
  [[nodiscard]] std::vector<ConnectionsDesk::Asked> workers_with_clients(std::optional<std::uint32_t> slot) const;
  [[nodiscard]] std::optional<WorkerKey> worker_to_ask() const;
  void adopt_addresses(int descriptor);
  [[nodiscard]] ReopenDesk::Surroundings around_reopenings();
  [[nodiscard]] OpenedFiles open_files();
  [[nodiscard]] std::map<WorkerKey, std::string> names_of_workers() const;
  void answer_publication(ClientId client, const std::optional<Published>& published);
  [[nodiscard]] MasterState state() const;
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::string status_line() const;
  [[nodiscard]] WorkerStatus status_of(const Supervisor::WorkerView& view) const;

  const int log_;
  const InstanceLock& lock_;
  const std::string program_;  // the path of our binary, which may be another file by now
  const bool hangup_means_stop_;
  StartReport& report_;
  const std::function<void(const Status&)> on_started_;
  const std::chrono::system_clock::time_point started_at_;
  const TimePoint started_;
  const bool resumed_;
  ServiceManager service_manager_;
  const std::string ticket_secret_;

  Plans plans_;
  Generation proved_ = 0;  // the newest that a worker has been ready with: what it runs and serves with is good
  Supervisor supervisor_;
  SignalInbox signals_;
  ListeningSockets sockets_;
  Ledger ledger_;
  std::optional<worker::AddressTables> addresses_;  // once a generation has limits per address
  std::map<WorkerKey, WorkerProcess> workers_;
  BusPairs bus_;
  std::map<WorkerKey, std::string> last_words_;  // why a worker could not start, by its own account
  ControlSocket control_;
  PidFile pid_file_;

  ReloadDesk reload_desk_;
  UpgradeDesk upgrade_desk_;
  PublishDesk publish_desk_;
  ReopenDesk reopen_desk_;
  ConnectionsDesk connections_desk_;
  std::optional<ClientId> upgraded_for_;  // who asked the binary before for the upgrade, and still waits
  std::deque<Event> untold_;              // came while another was being told
  bool telling_ = false;
  std::vector<ClientId> stop_clients_;
  bool stop_requested_ = false;
  std::optional<std::string> start_failure_;
  std::optional<CommandStatus> result_;
};

}  // namespace wsd::master
