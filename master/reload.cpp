#include "master/reload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <map>
#include <vector>

#include "master/obituary.h"

namespace wsd::master {

namespace {

constexpr unsigned kRetriesPerSlot = 3;

// "slot 0 runs generation 2, slots 1, 2 run generation 1"
std::string who_runs_what(const SlotTable& slots) {
  std::map<Generation, std::vector<Slot>, std::greater<>> by_generation;
  for (const auto& [slot, record] : slots) {
    if (!record.retiring) by_generation[record.generation].push_back(slot);
  }
  std::vector<std::string> parts;
  for (const auto& [generation, members] : by_generation) {
    const char* form = members.size() == 1 ? "slot {} runs generation {}" : "slots {} run generation {}";
    parts.push_back(fmt::format(fmt::runtime(form), fmt::join(members, ", "), generation));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

void Reload::advance(SlotTable& slots, Turn& turn) {
  if (replacement_) replacement_->retry_when_due(slots, turn);
  while (state_ == State::going_on && !is_waiting()) {
    if (replacement_) conclude_slot(slots);
    replaced_ < order_.count ? begin_next_slot(slots, turn) : finish(slots, turn);
  }
}

bool Reload::is_waiting() const {
  return replacement_ && replacement_->state() != Replacement::State::done;
}

void Reload::conclude_slot(SlotTable& slots) {
  replacement_.reset();
  ++replaced_;
  slots.respawn_with(order_.generation);
}

void Reload::begin_next_slot(SlotTable& slots, Turn& turn) {
  const auto slot = static_cast<Slot>(replaced_);
  if (!slots.is_open(slot)) slots.open(replaced_ + 1, turn);
  replacement_.emplace(slot, order_.generation);
  if (replaced_ == 0 && !slots.has_room_for_successors(order_.count)) {
    const std::string reason = fmt::format(
        "{} processes of this server are there, and no more than {} can be: wait until relays and "
        "workers that are draining are gone (wsd status lists them), or lower --relay-timeout",
        slots.crew().size(), settings_.max_processes);
    return give_up(reason, slots, turn);
  }
  replacement_->begin(slots, turn);
}

void Reload::finish(SlotTable& slots, Turn& turn) {
  state_ = State::done;
  slots.respawn_with(std::nullopt);
  slots.retire_beyond(order_.count, turn);
}

bool Reload::is_successor(WorkerKey key) const {
  return replacement_ && replacement_->is_successor(key);
}

bool Reload::is_replacing(Slot slot) const {
  return replacement_ && replacement_->slot() == slot;
}

bool Reload::is_handing_over(Slot slot) const {
  return is_replacing(slot) && replacement_->state() == Replacement::State::handing_over;
}

void Reload::handoff_failed(const std::string& reason, SlotTable& slots, Turn& turn) {
  replacement_->send_successor_away(slots, turn);
  successor_failed(reason, slots, turn);
}

void Reload::successor_failed(const std::string& reason, SlotTable& slots, Turn& turn) {
  replacement_->successor_failed(settings_, turn);
  if (!proved() || replacement_->failures() > kRetriesPerSlot) return give_up(reason, slots, turn);
  turn.log(LogLevel::warning, fmt::format("reload to generation {}: {}; tried again in {}", order_.generation, reason,
                                          in_words(*replacement_->retry_at() - turn.now)));
}

void Reload::give_up(const std::string& reason, SlotTable& slots, Turn& turn) {
  const Slot slot = replacement_->slot();
  state_ = State::failed;
  replacement_.reset();
  slots.respawn_with(std::nullopt);
  const bool is_an_added_slot = slot >= count_before_;
  if (is_an_added_slot) {
    slots.retire_beyond(slot, turn);
  } else if (slots.current(slot) == nullptr) {
    slots.respawn_at_once(slot, turn);
  }
  failure_ = proved() ? reason + "; " + who_runs_what(slots) : reason;
}

std::optional<TimePoint> Reload::next_deadline() const {
  return replacement_ ? replacement_->retry_at() : std::nullopt;
}

}  // namespace wsd::master
