// Whether a worker has room for another client, and what it does while it has none: it leaves its sockets to
// neighbours; where they are full too, it accepts and answers 503. The master hears of both ends of it.
//
// Connections and descriptors have a limit each: a TLS client may come to need two of the latter.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "worker/limits.h"
#include "worker/master_link.h"
#include "worker/served_sockets.h"

namespace wsd::worker {

class ClientRoom {
 public:
  struct Use {
    std::size_t clients = 0;
    std::size_t descriptors = 0;
  };

  // All outlive it. `use` tells what is taken at present.
  ClientRoom(const Limits& limits, ServedSockets& sockets, MasterLink& master, std::function<Use()> use);

  // Clients are let in.
  [[nodiscard]] bool is_free() const { return state_ == State::free; }
  // The sockets are left to neighbours.
  [[nodiscard]] bool is_full() const { return state_ == State::full; }
  // Another may come: to be let in, or to be told 503.
  [[nodiscard]] bool has_place() const;

  void become_full();
  // The kernel had no descriptor or no memory for a client, below our own ceiling: that passes, but not at once.
  void become_exhausted();
  // Full for good, as the application wants it.
  void become_closed();
  // The master's orders.
  void refuse() { obey(State::refusing); }
  void stop_refusing() { obey(State::full); }
  // At each heartbeat.
  void look_again();

 private:
  enum class State : std::uint8_t {
    free,      // accepts
    full,      // leaves its sockets to neighbours
    refusing,  // neighbours are full too: accepts, and answers 503
  };

  // `more`: beyond the limits.
  [[nodiscard]] bool has_room(std::size_t more) const;
  [[nodiscard]] bool has_room_again() const;
  void obey(State ordered);

  ServedSockets& sockets_;
  MasterLink& master_;
  const std::function<Use()> use_;
  const std::size_t max_connections_;
  const std::size_t max_descriptors_;  // for clients: the limit, less what is kept in reserve
  State state_ = State::free;
  unsigned beats_to_rest_ = 0;  // before there may be room again
  bool closed_ = false;
};

}  // namespace wsd::worker
