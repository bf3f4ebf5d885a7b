// One worker's way out. Each step gives it some time; when that has passed, the next and harder one is due:
//
//   staying ──► relaying ──► draining ──drain_timeout──► leaving ──stop_timeout + kill_grace──► killed ──reap_grace──►
//   unkillable
//      └──────────────────────────────► aborted ──────────────kill_grace──────────────────────►┘
//
// Any of them may be left out, and a relaying one has all the time it likes while its heart beats. The steps know no
// way back. What a step does to the process is the crew's business (crew.h).

#pragma once

#include <optional>

#include "master/supervision.h"

namespace wsd::master {

class Departure {
 public:
  enum class Step : std::uint8_t {
    staying,     // it was told nothing
    relaying,    // its clients are another worker's: it only keeps their TLS, and goes by itself with the last
    draining,    // no new clients; the old ones are asked to go, spread over the drain window
    leaving,     // told to flush and go now
    aborted,     // SIGABRT: it was stuck, and is writing its core file
    killed,      // SIGKILL
    unkillable,  // still not reaped: nothing harder is left
  };

  // False, and nothing has changed, if it has gone this far already.
  [[nodiscard]] bool advance_to(Step step, TimePoint now, const SupervisorSettings& settings);

  [[nodiscard]] Step step() const { return step_; }
  // When the present step's time is up; nothing if it may take as long as it likes.
  [[nodiscard]] std::optional<TimePoint> deadline() const { return deadline_; }
  // What comes then.
  [[nodiscard]] Step next_step() const;

 private:
  Step step_ = Step::staying;
  std::optional<TimePoint> deadline_;
};

}  // namespace wsd::master
