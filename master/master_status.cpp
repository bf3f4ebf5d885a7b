// What the master shows of itself.

#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "master/master.h"
#include "master/worker_limits.h"
#include "worker/resident_bytes.h"

namespace wsd::master {

namespace {

std::string_view state_name(WorkerState state) {
  switch (state) {
    case WorkerState::starting:
      return "starting";
    case WorkerState::running:
      return "running";
    case WorkerState::busy:
      return "busy";
    case WorkerState::relaying:
      return "relaying";
    case WorkerState::stopping:
      return "stopping";
  }
  return "";
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

}  // namespace

Status Master::status() const {
  const Generation generation = supervisor_.generation();
  const Options& options = plans_.of(generation).options;
  Status status{.name = *options.name,
                .version = WSD_VERSION,
                .pid = ::getpid(),
                .started_at = started_at_,
                .uptime_s = std::chrono::duration<double>(Clock::now() - started_).count(),
                .generation = generation,
                .app = *options.app,
                .max_connections = worker::connections_allowed(limits_of(options)),
                .listen = {},
                .api = {},
                .workers = {},
                .draining = {},
                .relays = {},
                .totals = ledger_.totals(),
                .exits = ledger_.exits(),
                .history_lost = ledger_.history_lost()};
  for (const ListenUrl& url : sockets_.addresses()) {
    (url.kind == SocketKind::api ? status.api : status.listen).push_back(to_string(url));
  }
  for (const Supervisor::WorkerView& view : supervisor_.workers()) {
    auto& list = view.current ? status.workers : view.state == WorkerState::relaying ? status.relays : status.draining;
    list.push_back(status_of(view));
  }
  add_empty_slots(status.workers, supervisor_.count(),
                  supervisor_.stopping() ? WorkerState::stopping : WorkerState::starting);
  return status;
}

// As a service manager shows it.
std::string Master::status_line() const {
  return fmt::format("{} workers, generation {}, {} connections", supervisor_.count(), supervisor_.generation(),
                     ledger_.totals().connections);
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
  // They are counted where they are served; a relay's own line says how many pass through it.
  if (!view.current) status.counters.connections += ledger_.relayed(found->second.row());
  status.rss_bytes = worker::resident_bytes(static_cast<std::uint64_t>(status.pid));
  status.loop_lag_ms = ledger_.loop_lag_ms(found->second.row());
  return status;
}

}  // namespace wsd::master
