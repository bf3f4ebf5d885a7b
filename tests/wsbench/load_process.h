// One of the processes that make the load: its connections, its loop, and the orders that it gets.

#pragma once

#include <array>
#include <memory>
#include <optional>

#include "tests/wsbench/connection.h"
#include "tests/wsbench/mode.h"
#include "tests/wsbench/shared_run.h"

namespace wsd::bench {

// One byte each on the channel between the reporting process and one that makes load.
enum class Order : char {
  open = 'o',     // hold as many connections as the schedule says; answered when they are open, or have failed
  prepare = 'p',  // get ready for the load; answered when everybody is, or that took too long
  load = 'l',     // make load as the schedule says; answered when it is over and all is counted
  stop = 's',     // end the load now
  quit = 'q',     // close the connections and go; the channel's end means the same
};

class LoadProcess {
 public:
  LoadProcess(const Options& options, std::size_t index, SharedRun& shared, int channel);

  // Obeys until the order to quit.
  void run();

 private:
  void obey(Order order);
  void open_connections();
  void prepare();
  void make_load();
  void close_connections();
  [[nodiscard]] Time time_of(const Counter& time) const { return Time(std::chrono::nanoseconds(time.value())); }
  // Serves until then, or until there is an order, or the load is over.
  void serve_load_until(Time end);
  void turn(Time until);
  void read_order();
  void report(Order done);
  [[nodiscard]] std::size_t handshakes_under_way() const;

  const Options& options_;
  SharedRun& shared_;
  Statistics& statistics_;
  int channel_;
  ConnectionContext context_;
  Connections connections_;
  std::unique_ptr<Mode> mode_;
  std::size_t begun_ = 0;       // connections that were connected, or tried to
  std::optional<Order> order_;  // not obeyed yet
  bool is_stopped_ = false;
  std::array<epoll_event, 512> events_{};
};

// The share of process `index`, where `count` things are shared by `processes`.
[[nodiscard]] std::size_t share_of(std::size_t count, std::size_t processes, std::size_t index);

// Connections of process `index`, of all roles.
[[nodiscard]] std::size_t held_by(const Options& options, std::size_t index);

}  // namespace wsd::bench
