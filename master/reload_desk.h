// Where reloads are asked for and answered: from a request to a plan that the supervisor can roll out, and from its
// report back to who asked.
//
//   request ──► waiting ──► its app is compiled, if it is a source ──► a new plan ──► ReloadRequested ──► the answer
//
// Requests come to the supervisor in the order in which they were made: one that must be compiled holds up those behind
// it, and nothing else. Whatever is wrong with one refuses that one, and nothing has changed.
//
// Owned by the master, and so is everything it works with.

#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "master/app_build.h"
#include "master/control_socket.h"
#include "master/listening_sockets.h"
#include "master/plans.h"
#include "master/reload_report.h"
#include "master/supervisor.h"

namespace wsd::master {

class ReloadDesk {
 public:
  using ClientId = ControlSocket::ClientId;

  struct Surroundings {
    ControlSocket& control;
    Plans& plans;
    ListeningSockets& sockets;
    const Supervisor& supervisor;
    int log;
    std::function<void()> prepare_child;  // see AppBuild
    std::function<void(Event)> tell;      // the supervisor
    std::function<void(bool)> count_end;  // of a reload: whether it was done
  };

  explicit ReloadDesk(Surroundings surroundings) : around_(std::move(surroundings)) {}

  // `client`: who hears of its end; nobody, if it was a signal. What `changes` does not give stays as it was on the
  // command line; the configuration file is read anew.
  void request(std::optional<ClientId> client, const Options& changes);
  // The server stops: what has not come to the supervisor yet is refused.
  void cancel_waiting();

  [[nodiscard]] bool is_building() const { return build_ != nullptr; }
  // Some reload has not ended.
  [[nodiscard]] bool is_busy() const { return build_ != nullptr || !waiting_.empty() || !clients_.empty(); }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  void handle_time(TimePoint now);
  // False if this was not its compiler.
  [[nodiscard]] bool take_exit(pid_t pid, int wait_status);

  // One slot has moved.
  void note(Slot slot, const TookOver& event);
  // The reload that was asked for first among those under way has ended.
  void report_done(Generation generation, unsigned workers, std::uint64_t draining);
  void report_failed(const std::string& reason);
  // No other one is under way behind that one.
  [[nodiscard]] bool is_last() const { return clients_.size() <= 1; }

 private:
  struct Request {
    std::optional<ClientId> client;
    Options changes;
  };

  // What build_ is for.
  struct Building {
    std::optional<ClientId> client;
    Plan plan;
  };

  void begin_waiting();
  void begin(const Request& request);
  void finish_build(int wait_status);
  void start_generation(std::optional<ClientId> client, Plan plan);
  void refuse(std::optional<ClientId> client, const std::string& reason);
  [[nodiscard]] std::optional<ClientId> take_first_client();

  Surroundings around_;
  std::deque<Request> waiting_;
  std::unique_ptr<AppBuild> build_;
  Building building_;
  std::deque<std::optional<ClientId>> clients_;  // of those that the supervisor knows of
  ReloadReport report_;                          // of the first of them
};

}  // namespace wsd::master
