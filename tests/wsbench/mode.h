// What a run does with its connections. One object in each process; the process drives it:
//
//   hold connections() of its connections open, from before the load until after it
//   prepare()    those are open, in all processes; act() and waiting until is_prepared(), or too long
//   begin()      the load starts
//   act()        whenever next_time() has come
//   finish()     nothing new from here on
//   is_settled() asked until it is true, or --timeout is over
//   settle()     what has not come by now is lost
//
// In between, connections tell it what happens to them (ConnectionOwner). Whatever it does, it counts in
// Statistics::events, with latencies where it has some, and in Statistics::errors.

#pragma once

#include <deque>
#include <memory>

#include "tests/wsbench/clock.h"
#include "tests/wsbench/connection.h"
#include "tests/wsbench/shared_run.h"

namespace wsd::bench {

class Mode : public ConnectionOwner {
 public:
  virtual ~Mode() = default;

  [[nodiscard]] virtual std::size_t held_connections() const = 0;
  virtual void prepare() {}
  [[nodiscard]] virtual bool is_prepared() const { return true; }
  virtual void begin() = 0;
  [[nodiscard]] virtual Time next_time() const { return Time::max(); }
  virtual void act() {}
  // A descriptor that was added to the poller with the mode itself as its tag is ready.
  virtual void on_wakeup() {}
  virtual void finish() = 0;
  [[nodiscard]] virtual bool is_settled() const = 0;
  virtual void settle() = 0;
  // There is nothing left that could be done: every connection is gone.
  [[nodiscard]] virtual bool is_over() const { return false; }
};

using Connections = std::deque<Connection>;

// What a mode is made of. All of it outlives the mode.
struct ModeContext {
  ConnectionContext& wire;
  Connections& connections;   // of this process, idle
  std::size_t process_index;  // 0 to options.processes - 1
  SharedRun& shared;

  [[nodiscard]] const Options& options() const { return wire.options; }
  [[nodiscard]] Statistics& statistics() const { return wire.statistics; }
  // How long what was due then has taken. Too long is an error, but where the rate grows beyond what can be followed.
  void count_latency(Time due, Time now) const {
    const auto latency = now - due;
    statistics().latencies.record(latency);
    if (latency > options().timeout && !options().grows()) statistics().errors.timeout.add();
  }
};

[[nodiscard]] std::unique_ptr<Mode> make_mode(const ModeContext& context);

}  // namespace wsd::bench
