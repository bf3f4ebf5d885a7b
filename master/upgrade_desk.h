// Where the replacement of the master's own binary (upgrade.h) is asked for: trial, then exec in place, or a refusal
// that says why and leaves everything as it was.
//
// Owned by the master, and so is everything it works with.

#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "master/control_socket.h"
#include "master/master_state.h"
#include "master/supervision.h"
#include "master/upgrade.h"

namespace wsd::master {

class UpgradeDesk {
 public:
  using ClientId = ControlSocket::ClientId;

  struct Surroundings {
    ControlSocket& control;
    std::string program;
    std::function<bool()> is_calm;        // nothing is under way that an exec would forget
    std::function<MasterState()> state;   // what the new binary goes on with
    std::function<void()> prepare_child;  // see UpgradeTrial
  };

  explicit UpgradeDesk(Surroundings surroundings) : around_(std::move(surroundings)) {}

  // `client`: who hears of its end, after the reload that the new binary begins with; nobody, if it was a signal.
  void request(std::optional<ClientId> client);
  // The server stops: the trial's verdict is not wanted any more.
  void cancel();

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  void handle_time(TimePoint now);
  // False if this was not the trial.
  [[nodiscard]] bool take_exit(pid_t pid, int wait_status);

  // Who waits for the upgrade that is under way.
  [[nodiscard]] std::optional<ClientId> client() const { return client_; }

 private:
  void finish_trial(int wait_status);
  void refuse(const std::string& reason);

  Surroundings around_;
  std::unique_ptr<UpgradeTrial> trial_;
  std::optional<ClientId> client_;
};

}  // namespace wsd::master
