#include "master/obituary.h"

#include <fmt/format.h>

#include <cstring>
#include <system_error>

#include "master/quantities.h"
#include "worker/exit_code.h"

namespace wsd::master {

namespace {

std::string signal_name(int signal) {
  const char* abbreviation = sigabbrev_np(signal);
  return abbreviation != nullptr ? fmt::format("SIG{}", abbreviation) : fmt::format("signal {}", signal);
}

bool ran_out_of_memory(ExitStatus status) {
  return status.signal == 0 && status.code == static_cast<int>(worker::ExitCode::out_of_memory);
}

std::string how_it_ended(const WorkerRecord& worker, ExitStatus status) {
  if (worker.fault == Fault::slow_start) return "was not ready in time and was killed";
  if (!worker.ready() && could_not_start(worker, status)) return "could not start";
  if (ran_out_of_memory(status)) return "ran out of memory";
  return status.signal != 0 ? "was " + to_string(status) : "ended with " + to_string(status);
}

}  // namespace

std::string to_string(ExitStatus status) {
  return status.signal != 0 ? "killed by " + signal_name(status.signal) : fmt::format("exit {}", status.code);
}

std::string in_words(Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 10) return fmt::format("{:.3g} s", seconds);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h", seconds / 3600);
}

std::string name_of(const WorkerRecord& worker) {
  return fmt::format("{} of slot {}", worker.is_relay ? "relay" : "worker", worker.slot);
}

std::string obituary(const WorkerRecord& worker, const Exited& exited, TimePoint now) {
  std::string sentence = name_of(worker) + " " + how_it_ended(worker, exited.status);
  if (worker.ready()) {
    sentence += " after " + in_words(now - *worker.ready_at);
  } else if (!could_not_start(worker, exited.status)) {
    sentence += " while starting";
  }
  return exited.last_words.empty() ? sentence : sentence + ": " + exited.last_words;
}

std::string what_is_lost(const WorkerRecord& worker, const HeldHistory& history) {
  return fmt::format(
      "the history of {} that the {} kept is lost ({}): who joins them is told (history_lost); what must not be "
      "missing "
      "has to be published again",
      counted(history.channels, "channel"), name_of(worker), counted(history.messages, "message"));
}

std::string reason_of_failed_start(const WorkerRecord& worker, const Exited& exited,
                                   const SupervisorSettings& settings) {
  if (worker.fault == Fault::slow_start) {
    return fmt::format("{} was not ready within {}", name_of(worker), in_words(settings.start_timeout));
  }
  if (!exited.last_words.empty()) return exited.last_words;
  if (could_not_start(worker, exited.status)) return name_of(worker) + " could not start, and did not say why";
  const char* when = worker.successor && worker.ready() ? "while taking over" : "while starting";
  return fmt::format("{} {} {}", name_of(worker), how_it_ended(worker, exited.status), when);
}

std::string reason_of_failed_spawn(const WorkerRecord& worker, int error) {
  return fmt::format("cannot start the {}: {}", name_of(worker), std::generic_category().message(error));
}

bool is_unplanned(const WorkerRecord& worker, ExitStatus status) {
  const bool clean = status.signal == 0 && status.code == 0;
  if (worker.handoffs_asked > 0 && clean) return false;
  if (worker.staying() || worker.fault != Fault::none) return true;
  const bool killed_by_us = worker.departure.step() >= Departure::Step::killed;
  return !killed_by_us && !clean;
}

bool could_not_start(const WorkerRecord& worker, ExitStatus status) {
  const bool refused = status.signal == 0 && status.code == static_cast<int>(worker::ExitCode::cannot_start);
  return refused || worker.fault == Fault::slow_start;
}

}  // namespace wsd::master
