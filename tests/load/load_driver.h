#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>

#include "tests/load/client_connection.h"

namespace wsd::load {

// The connections of a run and the loop that serves them. A mode is what happens at each arrival.
class LoadDriver {
 public:
  using OnArrival = std::function<void(ClientConnection&, const ClientConnection::Arrival&)>;

  explicit LoadDriver(const Options& options) : context_(options) {}

  LoadContext& context() { return context_; }
  std::deque<ClientConnection>& connections() { return connections_; }

  // Adds connections until there are `count`, and serves until all of them are open or have failed.
  void open(std::size_t count);

  // Serves until `is_over()`, asked after each round of events, or until the time is up.
  void serve(
      std::chrono::duration<double> time, const OnArrival& on_arrival,
      const std::function<bool()>& is_over = [] { return false; });

 private:
  void turn(std::chrono::milliseconds timeout, const OnArrival& on_arrival);

  LoadContext context_;
  std::deque<ClientConnection> connections_;
};

// With --go: says "ready" on standard error and waits for a line on standard input, so that a script can attach
// strace or perf to the server first.
void wait_for_go(const Options& options);

}  // namespace wsd::load
