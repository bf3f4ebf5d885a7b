#include "master/upgrade_desk.h"

#include <fmt/format.h>

#include <utility>

#include "master/exit_status.h"
#include "worker/log.h"

namespace wsd::master {

void UpgradeDesk::request(std::optional<ClientId> client) {
  if (trial_ != nullptr || !around_.is_calm()) {
    log::warning("upgrade refused: a reload, an upgrade, a respawn or a stop is under way");
    if (!client) return;
    return around_.control.finish(*client, CommandStatus::failed,
                                  "upgrade refused: a reload, an upgrade, a respawn or a stop is under way; try again");
  }
  client_ = client;
  try {
    trial_ = std::make_unique<UpgradeTrial>(around_.state(), around_.prepare_child, Clock::now());
    log::info("upgrading: {} is on trial", around_.program);
  } catch (const CommandError& error) {
    refuse(error.what());
  }
}

void UpgradeDesk::cancel() {
  if (trial_ != nullptr) trial_->cancel();
}

std::optional<TimePoint> UpgradeDesk::next_deadline() const {
  return trial_ == nullptr ? std::nullopt : std::optional(trial_->next_deadline());
}

void UpgradeDesk::handle_time(TimePoint now) {
  if (trial_ != nullptr) trial_->handle_time(now);
}

bool UpgradeDesk::take_exit(pid_t pid, int wait_status) {
  if (trial_ == nullptr || trial_->pid() != pid) return false;
  finish_trial(wait_status);
  return true;
}

void UpgradeDesk::finish_trial(int wait_status) {
  const std::string failure = std::exchange(trial_, nullptr)->finish(wait_status);
  if (!failure.empty()) return refuse(failure);
  if (!around_.is_calm()) return refuse("a reload, a respawn or a stop came in between; try again");
  log::info("upgrading: the trial was good, {} takes over", around_.program);
  if (client_) around_.control.answer(*client_, progress_answer("the new binary takes over"));
  refuse(exec_in_place(around_.state()));  // or never comes back
}

void UpgradeDesk::refuse(const std::string& reason) {
  log::error("upgrade refused, nothing has changed: {}", reason);
  const auto client = std::exchange(client_, std::nullopt);
  if (!client) return;
  around_.control.finish(*client, CommandStatus::failed,
                         fmt::format("upgrade refused, nothing has changed: {}", reason));
}

}  // namespace wsd::master
