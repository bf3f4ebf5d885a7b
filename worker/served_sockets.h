// The listening sockets that a worker accepts from: those of its own slot, and those of neighbours that cannot serve
// theirs now. Which they are is the master's to say.
//
// Does not know what becomes of a client.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "worker/heritage.h"
#include "worker/listener.h"
#include "worker/poller.h"
#include "worker/socket_kind.h"

namespace wsd::worker {

class ServedSockets {
 public:
  using OnClient = std::function<Listener::Verdict(Accepted client, const SocketRole& role)>;
  enum class Begin : bool { paused, accepting };

  // See Listener.
  ServedSockets(Poller& poller, unsigned accepts_per_turn, OnClient on_client, std::function<void()> on_exhausted);

  void add(SlotSockets slot, Begin begin);
  // Closes our copies.
  void remove(std::uint16_t slot);
  // All of them. The slots that they are of.
  std::vector<std::uint16_t> remove_all();

  // Whoever waits in their queues, also while paused: sockets that may be closed for good elsewhere too, and who waits
  // there would be reset.
  void accept_rest();
  void accept_rest(std::uint16_t slot);

  void pause();
  void resume();

 private:
  struct Served {
    std::uint16_t slot;
    std::vector<std::unique_ptr<Listener>> listeners;
  };

  static void accept_rest(const Served& served);

  Poller& poller_;
  const unsigned accepts_per_turn_;
  const OnClient on_client_;
  const std::function<void()> on_exhausted_;
  std::vector<Served> served_;
};

}  // namespace wsd::worker
