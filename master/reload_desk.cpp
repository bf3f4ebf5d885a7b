#include "master/reload_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "master/app_source.h"
#include "master/configuration.h"
#include "master/exit_status.h"
#include "master/run_as.h"
#include "worker/log.h"

namespace wsd::master {

namespace {

// The first lines of what a compiler said tell what is wrong; the rest is for the terminal.
void log_messages(const std::vector<std::string>& messages) {
  constexpr std::size_t logged = 5;
  for (std::size_t i = 0; i < std::min(logged, messages.size()); ++i) log::warning("compiler: {}", messages[i]);
}

}  // namespace

void ReloadDesk::request(std::optional<ClientId> client, const Options& changes) {
  waiting_.push_back({client, changes});
  begin_waiting();
}

void ReloadDesk::cancel_waiting() {
  if (build_ != nullptr) build_->cancel(Clock::now());
  for (const Request& request : std::exchange(waiting_, {})) refuse(request.client, "the server stops");
}

void ReloadDesk::begin_waiting() {
  while (build_ == nullptr && !waiting_.empty()) {
    const Request request = std::move(waiting_.front());
    waiting_.pop_front();
    try {
      begin(request);
    } catch (const CommandError& error) {
      refuse(request.client, error.what());
    }
  }
}

void ReloadDesk::begin(const Request& request) {
  const Plan& running = around_.plans.wanted();
  if (around_.supervisor.stopping()) return start_generation(request.client, running);
  OptionLayers layers = running.layers;
  layers.flags.merge(request.changes);
  Plan plan = read_plan(layers);
  const bool same_access_log = *plan.options.access_log == *running.options.access_log;
  plan.access_log = same_access_log ? running.access_log : open_access_log(plan.options);
  for (const std::string& line : keep_what_needs_a_start(plan.options, running.options)) {
    log::warning("reloading: {}", line);
    if (request.client) around_.control.answer(*request.client, info_answer(line));
  }
  if (!needs_child(*plan.options.app, plan.privileges)) {
    plan.code = load_app_code(*plan.options.app);
    return start_generation(request.client, std::move(plan));
  }
  log::info("reloading: {} is {}", *plan.options.app,
            app_kind(*plan.options.app) == AppKind::source ? "compiled" : "read");
  build_ =
      std::make_unique<AppBuild>(*plan.options.app, plan.privileges, around_.log, around_.prepare_child, Clock::now());
  building_ = Building{request.client, std::move(plan)};
}

void ReloadDesk::start_generation(std::optional<ClientId> client, Plan plan) {
  if (!around_.supervisor.stopping()) {
    around_.sockets.use_group(group_of(plan.privileges));
    around_.sockets.open(addresses_of(plan.options), around_.supervisor.count());
  }
  clients_.push_back(client);
  log::set_level(*plan.options.log_level);
  log::set_format(*plan.options.log_format);
  const unsigned count = *plan.options.count;
  log::info("reloading: generation {}", around_.plans.add(std::move(plan)));
  around_.tell(ReloadRequested{count});
}

// ---- the compiler

std::optional<TimePoint> ReloadDesk::next_deadline() const {
  return build_ == nullptr ? std::nullopt : std::optional(build_->next_deadline());
}

void ReloadDesk::handle_time(TimePoint now) {
  if (build_ != nullptr) build_->handle_time(now);
}

bool ReloadDesk::take_exit(pid_t pid, int wait_status) {
  if (build_ == nullptr || build_->pid() != pid) return false;
  finish_build(wait_status);
  return true;
}

void ReloadDesk::finish_build(int wait_status) {
  const auto build = std::exchange(build_, nullptr);
  Building what = std::move(building_);
  try {
    AppBuild::Outcome outcome = build->finish(wait_status);
    log_messages(outcome.messages);
    if (what.client) {
      for (const std::string& line : outcome.messages) around_.control.answer(*what.client, info_answer(line));
    }
    if (!outcome.code) throw CommandError(CommandStatus::failed, outcome.failure);
    what.plan.code = std::move(*outcome.code);
    start_generation(what.client, std::move(what.plan));
  } catch (const CommandError& error) {
    refuse(what.client, error.what());
  }
  begin_waiting();
}

// ---- answers

void ReloadDesk::refuse(std::optional<ClientId> client, const std::string& reason) {
  log::error("reload refused: {}", reason);
  around_.count_end(false);
  if (client) around_.control.finish(*client, CommandStatus::failed, fmt::format("reload refused: {}", reason));
}

void ReloadDesk::note(Slot slot, const TookOver& event) {
  report_.count(event);
  if (clients_.empty() || !clients_.front()) return;
  around_.control.answer(*clients_.front(), progress_answer(progress_text(slot, event)));
}

void ReloadDesk::report_done(Generation generation, unsigned workers, std::uint64_t draining) {
  ReloadReport report = std::exchange(report_, {});
  report.generation = generation;
  report.workers = workers;
  report.draining = draining;
  log::info("reloaded: {}", to_text(report));
  around_.count_end(true);
  const auto client = take_first_client();
  if (!client) return;
  around_.control.answer(*client, reload_answer(to_json(report)));
  around_.control.answer(*client, info_answer(to_text(report)));
  around_.control.finish(*client, CommandStatus::done);
}

void ReloadDesk::report_failed(const std::string& reason) {
  report_ = {};
  around_.count_end(false);
  const auto client = take_first_client();
  if (client) around_.control.finish(*client, CommandStatus::failed, reason);
}

std::optional<ReloadDesk::ClientId> ReloadDesk::take_first_client() {
  if (clients_.empty()) return std::nullopt;
  const std::optional<ClientId> client = clients_.front();
  clients_.pop_front();
  return client;
}

}  // namespace wsd::master
