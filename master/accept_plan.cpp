#include "master/accept_plan.h"

#include <algorithm>
#include <cstddef>

namespace wsd::master {

namespace {

class AcceptPlan {
 public:
  explicit AcceptPlan(const std::vector<SlotToServe>& slots) : slots_(slots) {
    for (const auto& slot : slots_) {
      if (slot.own && slot.may_help) load_[*slot.own] = 0;
    }
    const auto in_need = static_cast<std::size_t>(std::ranges::count_if(slots_, needs_help));
    if (!load_.empty()) fair_share_ = (in_need + load_.size() - 1) / load_.size();
  }

  Helpers make() {
    keep_helpers();
    if (!load_.empty()) find_helpers();
    return std::move(helpers_);
  }

 private:
  static bool needs_help(const SlotToServe& slot) { return !slot.own; }

  void keep_helpers() {
    for (const auto& slot : slots_) {
      if (needs_help(slot) && slot.helper && (load_.empty() || can_take_one_more(*slot.helper))) {
        assign(slot.slot, *slot.helper);
      }
    }
  }

  void find_helpers() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (needs_help(slots_[i]) && !helpers_.contains(slots_[i].slot)) assign(slots_[i].slot, neighbour_above(i));
    }
  }

  // There always is one: the fair shares of all together are at least what is in need.
  WorkerKey neighbour_above(std::size_t index) const {
    for (;;) {
      index = (index + 1) % slots_.size();
      const auto& own = slots_[index].own;
      if (own && can_take_one_more(*own)) return *own;
    }
  }

  bool can_take_one_more(WorkerKey worker) const {
    const auto load = load_.find(worker);
    return load != load_.end() && load->second < fair_share_;
  }

  void assign(Slot slot, WorkerKey worker) {
    helpers_[slot] = worker;
    if (const auto load = load_.find(worker); load != load_.end()) ++load->second;
  }

  const std::vector<SlotToServe>& slots_;
  std::map<WorkerKey, std::size_t> load_;  // of each worker that can help: how many it helps
  std::size_t fair_share_ = 0;
  Helpers helpers_;
};

}  // namespace

Helpers plan_helpers(const std::vector<SlotToServe>& slots) {
  return AcceptPlan(slots).make();
}

}  // namespace wsd::master
