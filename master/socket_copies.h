// Which slots' listening sockets one worker has copies of, as far as the master can know: it has a copy from the moment
// it is given one until it has told that it closed it. A forgotten copy is a socket of the SO_REUSEPORT group from
// which nobody accepts: its share of all new clients hangs.

#pragma once

#include <map>
#include <vector>

#include "master/supervision.h"

namespace wsd::master {

class SocketCopies {
 public:
  void give(Slot slot) { copies_[slot].given = true; }
  void ask_back(Slot slot);
  void ask_back_all();
  // It told Released. One that was given anew meanwhile stays: the telling answers the asking before that.
  void closed(Slot slot);

  // It was given this slot's sockets and not asked for them.
  [[nodiscard]] bool serves(Slot slot) const;
  // It may still have a copy.
  [[nodiscard]] bool holds(Slot slot) const { return copies_.contains(slot); }
  [[nodiscard]] std::vector<Slot> served() const;

 private:
  struct Copy {
    bool given = false;
    unsigned asked_back = 0;  // how often without an answer yet
  };
  std::map<Slot, Copy> copies_;
};

}  // namespace wsd::master
