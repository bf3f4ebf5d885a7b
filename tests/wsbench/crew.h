// The processes of a run, as the one that reports sees them: it starts them, gives orders, and notices their deaths.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/wsbench/clock.h"
#include "tests/wsbench/load_process.h"
#include "tests/wsbench/options.h"
#include "tests/wsbench/shared_run.h"

namespace wsd::bench {

class Crew {
 public:
  // Forks. Throws std::system_error.
  Crew(const Options& options, SharedRun& shared);
  // Lets them go, and waits until they have.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void order(Order order);
  // Waits until all have carried out `order`, or are dead. `next_turn` is called again and again, and says until when
  // to wait at most; Time::min(): no longer at all.
  void await(Order order, const std::function<Time()>& next_turn);
  [[nodiscard]] bool have_all(Order order) const;

  [[nodiscard]] std::vector<pid_t> living() const;
  // One sentence for each that has died before its time.
  [[nodiscard]] const std::vector<std::string>& obituaries() const { return obituaries_; }

 private:
  struct Member {
    pid_t pid = -1;
    int channel = -1;          // -1: dead, and buried
    Order done = Order::stop;  // what it reported last
  };

  void start(const Options& options, std::size_t index, SharedRun& shared);
  void listen_until(Time until);
  void listen_to(Member& member);
  void bury(Member& member);

  std::vector<Member> members_;
  std::vector<std::string> obituaries_;
};

}  // namespace wsd::bench
