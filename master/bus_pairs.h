// Who is on the bus, and the links between them: one pair of connected sockets for every two workers, made here and
// given to both (docs/architecture.md).
//
// A worker that joins gets a link to every worker that is there, and they get one to it. Its place is its slot's: a
// successor that takes over by handoff inherits the links, and here only the place changes hands. While it does, an
// order could be read by neither of the two, so the links that are due then wait for the one who has the place at the
// end.
//
// Owned by the master. Holds no socket for longer than a call: `order` copies what it sends.

#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "master/supervision.h"
#include "protocol/record.h"

namespace wsd::master {

class BusPairs {
 public:
  using Order = std::function<void(WorkerKey, const protocol::RecordWriter&, const std::vector<int>& descriptors)>;

  // `homes`: slots [0, homes) are the homes of channels.
  BusPairs(unsigned homes, Order order) : homes_(homes), order_(std::move(order)) {}
  // One that was on the bus before this process replaced its own binary.
  void adopt(Slot slot, WorkerKey worker);

  // The slot's worker wants its links: a fresh one, or a successor that inherited none.
  void join(Slot slot, WorkerKey worker);
  // It was ordered to give its clients, and with them its links, to a successor.
  void begin_handoff(WorkerKey worker);
  void took_over(Slot slot, WorkerKey successor);
  void handoff_failed(WorkerKey worker);
  void died(WorkerKey worker);

  // The homes are at most `count` from now on: there are no more slots.
  void limit_homes(unsigned count);

  [[nodiscard]] unsigned homes() const { return homes_; }
  [[nodiscard]] bool is_on_bus(WorkerKey worker) const;

 private:
  struct Place {
    WorkerKey worker = 0;
    bool vacant = false;            // it died in a handoff: its successor may have its links already
    unsigned handoffs = 0;          // that it was ordered to do and has not answered
    std::set<Slot> due_links = {};  // to whom it could not be given a link meanwhile
    bool due_homes = false;         // nor be told how many homes there are

    [[nodiscard]] bool is_changing_hands() const { return vacant || handoffs > 0; }
  };
  using Places = std::map<Slot, Place>;

  void link(Slot one, Slot other);
  void give_what_is_due(Slot slot);
  void tell_homes(Slot slot);
  [[nodiscard]] Places::iterator find(WorkerKey worker);

  unsigned homes_;
  Order order_;
  Places places_;
};

}  // namespace wsd::master
