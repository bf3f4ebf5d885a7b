#include "master/slot_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "master/earliest.h"
#include "master/obituary.h"

namespace wsd::master {

unsigned SlotTable::count() const {
  return static_cast<unsigned>(std::ranges::count_if(slots_, [](const auto& slot) { return !slot.second.retiring; }));
}

void SlotTable::adopt(const ResumedWorker& worker, WorkerKey last_key, TimePoint now) {
  crew_.adopt(worker, last_key, now);
  if (!worker.current) return;
  SlotRecord& record = slots_[worker.slot];
  record.worker = worker.key;
  record.generation = worker.generation;
}

bool SlotTable::is_complete() const {
  return std::ranges::all_of(slots_, [this](const auto& slot) {
    const WorkerRecord* worker = slot.second.worker ? crew_.find(*slot.second.worker) : nullptr;
    return worker != nullptr && worker->ready() && worker->staying() && worker->handoffs_asked == 0 &&
           !slot.second.retiring;
  });
}

void SlotTable::open(unsigned count, Turn& turn) {
  turn.act(OpenSlots{count});
  for (unsigned slot = 0; slot < count; ++slot) slots_[static_cast<Slot>(slot)].retiring = false;
}

bool SlotTable::is_open(Slot slot) const {
  const auto found = slots_.find(slot);
  return found != slots_.end() && !found->second.retiring;
}

void SlotTable::retire_beyond(unsigned count, Turn& turn) {
  for (auto& [slot, record] : slots_) {
    if (slot < count) continue;
    record.retiring = true;
    record.respawn_at.reset();
    WorkerRecord* worker = current(slot);
    if (worker != nullptr && !worker->ready()) crew_.leave(*worker, turn);
  }
}

void SlotTable::close_retired(Turn& turn) {
  for (auto next = slots_.begin(); next != slots_.end();) {
    const auto closing = next++;
    const Slot slot = closing->first;
    if (!can_close(slot, closing->second)) continue;
    turn.act(RetireSlot{slot});
    if (WorkerRecord* worker = current(slot)) crew_.send_off(*worker, DrainReason::slot_retired, turn);
    slots_.erase(closing);
  }
}

// Its own worker accepts the rest, so it has to be able to, and the only one with a copy: another one's would be
// forgotten with it.
bool SlotTable::can_close(Slot slot, const SlotRecord& record) const {
  if (!record.retiring || held_by_others(slot, record.worker)) return false;
  const WorkerRecord* own = record.worker ? crew_.find(*record.worker) : nullptr;
  return own == nullptr || own->responsive();
}

bool SlotTable::held_by_others(Slot slot, std::optional<WorkerKey> owner) const {
  return std::ranges::any_of(
      crew_, [&](const auto& worker) { return worker.first != owner && worker.second.copies.holds(slot); });
}

WorkerRecord* SlotTable::current(Slot slot) {
  const auto found = slots_.find(slot);
  return found != slots_.end() && found->second.worker ? crew_.find(*found->second.worker) : nullptr;
}

bool SlotTable::is_current(const WorkerRecord& worker) const {
  const auto found = slots_.find(worker.slot);
  return found != slots_.end() && found->second.worker == worker.key;
}

WorkerRecord& SlotTable::spawn(Slot slot, Generation generation, Turn& turn) {
  SlotRecord& record = slots_.at(slot);
  WorkerRecord& worker = crew_.spawn(slot, generation, record.worker.has_value(), turn);
  record.respawn_at.reset();
  if (!record.worker) record.worker = worker.key;
  return worker;
}

void SlotTable::settle_in(const WorkerRecord& worker) {
  SlotRecord& record = slots_.at(worker.slot);
  if (record.generation != worker.generation) record.backoff.reset();  // the deaths were another code's
  record.generation = worker.generation;
}

void SlotTable::promote(WorkerRecord& successor, Turn& turn) {
  WorkerRecord* old = current(successor.slot);
  vacate(successor.slot, successor.key);
  settle_in(successor);
  if (old == nullptr || old == &successor) return;
  share_sockets(turn);                               // before the old one closes its copies of its neighbours' sockets
  if (!old->relays) return crew_.leave(*old, turn);  // it has nobody left, and is on its way
  crew_.let_relay(*old, turn.now);
  end_surplus_relays(turn);
}

bool SlotTable::has_room_for_successors(unsigned count) const {
  return crew_.size() + count + slots_.size() <= settings_.max_processes;
}

// Every reload may leave one more for each slot. There may be so many that the next reload, and whoever dies, finds
// room; those that came first go first, being the emptiest as a rule.
void SlotTable::end_surplus_relays(Turn& turn) {
  const std::size_t others = 3 * slots_.size();  // workers, their successors, and who is respawned meanwhile
  const std::size_t most = settings_.max_processes > others ? settings_.max_processes - others : 0;
  auto surplus = std::ranges::count_if(crew_, [](const auto& worker) { return worker.second.relaying(); });
  surplus -= static_cast<std::ptrdiff_t>(most);
  for (auto relay = crew_.begin(); relay != crew_.end() && surplus > 0; ++relay) {
    if (!relay->second.relaying()) continue;
    turn.log(LogLevel::warning,
             fmt::format("{} is ended, being the oldest of more than {}: its clients are told to reconnect; "
                         "--relay-timeout bounds how long relays live",
                         name_of(relay->second), most));
    crew_.end_relay(relay->second, turn);
    --surplus;
  }
}

void SlotTable::vacate(Slot slot, std::optional<WorkerKey> stand_in) {
  slots_.at(slot).worker = stand_in;
}

void SlotTable::respawn(const WorkerRecord& dead, const std::string& obituary, bool could_not_start, Turn& turn) {
  RespawnBackoff& backoff = slots_.at(dead.slot).backoff;
  if (dead.ready() && turn.now - *dead.ready_at >= settings_.stable_after) backoff.reset();
  const Duration delay = could_not_start ? backoff.after_failed_start(settings_) : backoff.after_crash(settings_);
  const bool at_once = delay == Duration::zero();
  turn.log(LogLevel::error, obituary + (at_once ? "; respawned at once" : "; respawned in " + in_words(delay)));
  if (backoff.just_reached_last_step(settings_)) {
    turn.log(LogLevel::error, name_of(dead) + " keeps dying: a new one is tried every " +
                                  in_words(settings_.last_backoff) + " from now on");
  }
  slots_.at(dead.slot).respawn_at = turn.now + delay;
  if (at_once) respawn_due(turn);
}

void SlotTable::respawn_at_once(Slot slot, Turn& turn) {
  slots_.at(slot).respawn_at = turn.now;
  respawn_due(turn);
}

void SlotTable::respawn_due(Turn& turn) {
  for (const auto& [slot, record] : slots_) {
    if (!record.respawn_at || turn.now < *record.respawn_at) continue;
    spawn(slot, respawn_generation_.value_or(record.generation), turn);
  }
}

void SlotTable::cancel_respawns() {
  for (auto& [slot, record] : slots_) record.respawn_at.reset();
}

void SlotTable::share_sockets(Turn& turn) {
  const auto slots = slots_to_serve();
  const Helpers helpers = plan_helpers(slots);
  give_sockets(helpers, turn);  // first, so that at no time nobody serves
  take_sockets(helpers, turn);
  const auto takes_clients = [](const SlotToServe& slot) { return slot.own && slot.may_help; };
  refuse_when_all_are_full(std::ranges::any_of(slots, takes_clients), turn);
}

std::vector<SlotToServe> SlotTable::slots_to_serve() const {
  std::vector<SlotToServe> slots;
  for (const auto& [slot, record] : slots_) {
    const bool closing = record.retiring && !record.worker;
    if (!closing) slots.push_back(slot_to_serve(slot, record));
  }
  return slots;
}

SlotToServe SlotTable::slot_to_serve(Slot slot, const SlotRecord& record) const {
  SlotToServe view{slot, std::nullopt, helper_of(slot), !record.retiring};
  const WorkerRecord* own = record.worker ? crew_.find(*record.worker) : nullptr;
  // The last clients of a retiring slot are its own worker's, even if it has to refuse them.
  if (own != nullptr && (own->accepts() || (record.retiring && own->responsive()))) view.own = own->key;
  return view;
}

std::optional<WorkerKey> SlotTable::helper_of(Slot slot) const {
  const auto helper = std::ranges::find_if(crew_, [&](const auto& worker) {
    return worker.second.slot != slot && worker.second.copies.serves(slot) && is_current(worker.second);
  });
  return helper == crew_.end() ? std::nullopt : std::optional(helper->first);
}

void SlotTable::give_sockets(const Helpers& helpers, Turn& turn) {
  for (const auto& [slot, helper] : helpers) crew_.serve(*crew_.find(helper), slot, turn);
}

void SlotTable::take_sockets(const Helpers& helpers, Turn& turn) {
  for (auto& [key, worker] : crew_) {
    for (const Slot slot : worker.copies.served()) {
      const auto helper = helpers.find(slot);
      const bool helps = helper != helpers.end() && helper->second == key;
      if (slot != worker.slot && !helps) crew_.release(worker, slot, turn);
    }
  }
}

void SlotTable::refuse_when_all_are_full(bool somebody_accepts, Turn& turn) {
  for (auto& [key, worker] : crew_) {
    const bool should_refuse = worker.full && worker.staying() && !somebody_accepts;
    if (should_refuse == worker.refusing) continue;
    worker.refusing = should_refuse;
    if (should_refuse) {
      turn.act(Refuse{key});
    } else if (worker.full && worker.staying()) {
      turn.act(StopRefusing{key});
    }
  }
}

std::optional<TimePoint> SlotTable::next_deadline() const {
  std::optional<TimePoint> next = crew_.next_deadline();
  for (const auto& [slot, record] : slots_) next = earliest(next, record.respawn_at);
  return next;
}

}  // namespace wsd::master
