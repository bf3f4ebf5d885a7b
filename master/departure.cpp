#include "master/departure.h"

namespace wsd::master {

namespace {

std::optional<Duration> patience(Departure::Step step, const SupervisorSettings& settings) {
  using Step = Departure::Step;
  switch (step) {
    case Step::draining:
      return settings.drain_timeout;
    case Step::leaving:
      return settings.stop_timeout + settings.kill_grace;
    case Step::aborted:
      return settings.kill_grace;
    case Step::killed:
      return settings.reap_grace;
    case Step::staying:
    case Step::relaying:
    case Step::unkillable:
      break;
  }
  return std::nullopt;
}

}  // namespace

bool Departure::advance_to(Step step, TimePoint now, const SupervisorSettings& settings) {
  if (step <= step_) return false;
  step_ = step;
  const auto time_given = patience(step, settings);
  deadline_ = time_given ? std::optional(now + *time_given) : std::nullopt;
  return true;
}

Departure::Step Departure::next_step() const {
  switch (step_) {
    case Step::staying:
    case Step::relaying:
      return Step::draining;
    case Step::draining:
      return Step::leaving;
    case Step::leaving:
    case Step::aborted:
      return Step::killed;
    case Step::killed:
    case Step::unkillable:
      break;
  }
  return Step::unkillable;
}

}  // namespace wsd::master
