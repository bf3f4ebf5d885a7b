// The master process: one loop that waits for signals, workers and commands, asks the supervisor what that means, and
// does it. It never touches a client's byte.
//
//   signals, records, requests, time ──► Supervisor::handle() ──► actions ──► fork, orders, answers
//
// Owns everything that outlives a worker: listening sockets, scoreboard, control socket, pid file.

#pragma once

#include <poll.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "master/control_socket.h"
#include "master/daemonize.h"
#include "master/ledger.h"
#include "master/listening_sockets.h"
#include "master/options.h"
#include "master/pid_file.h"
#include "master/run_directory.h"
#include "master/signal_inbox.h"
#include "master/supervisor.h"
#include "master/worker_process.h"
#include "worker/limits.h"

namespace wsd::master {

class Master {
 public:
  // The caller holds the instance's lock, has set up the log on `log`, and made this the process that is to stay.
  // `on_started` runs once all workers serve. Binds every address: throws CommandError if it cannot.
  Master(const Options& options, const RunDirectory& directory, int log, StartReport& report,
         std::function<void(const Status&)> on_started);

  // Until the last worker is gone.
  [[nodiscard]] CommandStatus run();
  // Why the start came to nothing, if it did.
  [[nodiscard]] const std::optional<std::string>& start_failure() const { return start_failure_; }

 private:
  using ClientId = ControlSocket::ClientId;

  // What a generation runs with.
  struct Plan {
    Options options;
    const AppModule* app;
  };

  // ---- what happened
  void wait();
  void take_signals();
  void take_signal(const SignalInbox::Received& received);
  void reap();
  void take_reports(WorkerKey key);
  void take_report(WorkerKey key, const protocol::RecordReader& record);
  void take_request(ClientId client, const ControlRequest& request);
  void take_time();

  // ---- what the supervisor wants
  void tell(const Event& event);
  void act(const Spawn& action);
  void act(const Serve& action);
  void act(const Release& action);
  void act(const Refuse& action);
  void act(const StopRefusing& action);
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

  [[nodiscard]] worker::Heritage heritage_for(const Spawn& spawn, worker::RecordSocket link);
  void order(WorkerKey key, const protocol::RecordWriter& record, const std::vector<int>& descriptors = {});
  void request_stop(bool graceful);
  void request_reload(std::optional<ClientId> client, const Options& changes);
  void answer_reload(CommandStatus status, const std::string& text);
  void settle_on(Generation generation);

  [[nodiscard]] Status status() const;
  [[nodiscard]] WorkerStatus status_of(const Supervisor::WorkerView& view) const;

  const int log_;
  const bool hangup_means_stop_;
  StartReport& report_;
  const std::function<void(const Status&)> on_started_;
  const std::chrono::system_clock::time_point started_at_ = std::chrono::system_clock::now();
  const TimePoint started_ = Clock::now();

  std::map<Generation, Plan> plans_;   // of generations that have workers, or are about to
  Generation last_generation_ = 1;     // the newest that was asked for
  Generation wanted_generation_ = 1;   // the one that the next reload builds on: the newest that is good, or under way
  Supervisor supervisor_;
  SignalInbox signals_;
  ListeningSockets sockets_;
  Ledger ledger_;
  std::map<WorkerKey, WorkerProcess> workers_;
  std::map<WorkerKey, std::string> last_words_;  // why a worker could not start, by its own account
  ControlSocket control_;
  PidFile pid_file_;

  std::deque<std::optional<ClientId>> reload_clients_;  // one entry per reload that was asked for; none for a signal
  std::vector<ClientId> stop_clients_;
  bool stop_requested_ = false;
  std::optional<std::string> start_failure_;
  std::optional<CommandStatus> result_;
};

// What a worker may use and wait for, as the options say.
[[nodiscard]] worker::Limits limits_from(const Options& options);

}  // namespace wsd::master
