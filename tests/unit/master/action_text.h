// Events and actions as words, so that a trace of them reads as a story: "spawn 5 slot 1 gen 2", "serve 1 slot 2".

#pragma once

#include <fmt/format.h>

#include <string>

#include "master/supervision.h"

namespace wsd::master {

inline const char* to_text(DrainReason reason) {
  switch (reason) {
    case DrainReason::slot_retired:
      return "slot retired";
    case DrainReason::graceful_stop:
      return "graceful stop";
  }
  return "?";
}

struct ActionText {
  std::string operator()(const Spawn& a) const {
    return fmt::format("spawn {} slot {} gen {}", a.key, a.slot, a.generation);
  }
  std::string operator()(const HandOver& a) const { return fmt::format("hand over {} to {}", a.from, a.to); }
  std::string operator()(const BeginToServe& a) const { return fmt::format("begin to serve {}", a.key); }
  std::string operator()(const Serve& a) const { return fmt::format("serve {} slot {}", a.key, a.slot); }
  std::string operator()(const Release& a) const { return fmt::format("release {} slot {}", a.key, a.slot); }
  std::string operator()(const Refuse& a) const { return fmt::format("refuse {}", a.key); }
  std::string operator()(const StopRefusing& a) const { return fmt::format("stop refusing {}", a.key); }
  std::string operator()(const EndRelay& a) const { return fmt::format("end relay {} of slot {}", a.key, a.slot); }
  std::string operator()(const Drain& a) const { return fmt::format("drain {} ({})", a.key, to_text(a.reason)); }
  std::string operator()(const Leave& a) const { return fmt::format("leave {}", a.key); }
  std::string operator()(const Abort& a) const { return fmt::format("abort {}", a.key); }
  std::string operator()(const Kill& a) const { return fmt::format("kill {}", a.key); }
  std::string operator()(const OpenSlots& a) const { return fmt::format("open {} slots", a.count); }
  std::string operator()(const RetireSlot& a) const { return fmt::format("retire slot {}", a.slot); }
  std::string operator()(const CountExit& a) const { return "count " + to_string(a.status); }
  std::string operator()(const ReportStarted&) const { return "started"; }
  std::string operator()(const ReportStartFailed& a) const { return "start failed: " + a.reason; }
  std::string operator()(const ReportReloaded& a) const { return fmt::format("reloaded to gen {}", a.generation); }
  std::string operator()(const ReportReloadFailed& a) const { return "reload failed: " + a.reason; }
  std::string operator()(const ReportStopped& a) const { return a.survivors ? "stopped with survivors" : "stopped"; }
  std::string operator()(const Log& a) const { return "log: " + a.text; }
};

struct EventText {
  std::string operator()(const Started&) const { return "start"; }
  std::string operator()(const SpawnFailed& e) const { return fmt::format("{} could not be forked", e.key); }
  std::string operator()(const Ready& e) const { return fmt::format("{} is ready", e.key); }
  std::string operator()(const Exited& e) const { return fmt::format("{} ended: {}", e.key, to_string(e.status)); }
  std::string operator()(const Released& e) const { return fmt::format("{} closed slot {}", e.key, e.slot); }
  std::string operator()(const TookOver& e) const { return fmt::format("{} took over", e.key); }
  std::string operator()(const Relays& e) const { return fmt::format("{} will relay", e.key); }
  std::string operator()(const HandoffFailed& e) const {
    return fmt::format("{} could not hand over: {}", e.key, e.reason);
  }
  std::string operator()(const Full& e) const { return fmt::format("{} is full", e.key); }
  std::string operator()(const HasRoom& e) const { return fmt::format("{} has room", e.key); }
  std::string operator()(const Heartbeat& e) const { return fmt::format("{} beats", e.key); }
  std::string operator()(const Tick&) const { return "look"; }
  std::string operator()(const StopRequested& e) const { return e.graceful ? "stop gracefully" : "stop"; }
  std::string operator()(const StopNowRequested&) const { return "stop now"; }
  std::string operator()(const ReloadRequested& e) const { return fmt::format("reload with {} slots", e.count); }
};

inline std::string to_text(const Event& event) {
  return std::visit(EventText(), event);
}
inline std::string to_text(const Action& action) {
  return std::visit(ActionText(), action);
}

}  // namespace wsd::master
