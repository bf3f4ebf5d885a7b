// What a new worker gets of the one before it in its slot: by a handoff (handoff.h), or, where that one died on the
// way, by the master's word that nobody else has what came.

#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "worker/file_descriptor.h"
#include "worker/handoff.h"
#include "worker/loop.h"

namespace wsd::worker {

class Inheritance {
 public:
  // `on_ours` is called once, from the loop or from handle_death(): with what this worker serves from then on.
  Inheritance(Loop& loop, std::function<void(HandoffReceiver::Outcome)> on_ours);

  // The old worker hands over by this stream.
  void take_over(FileDescriptor stream);
  // The old worker is dead, says the master.
  void handle_death();
  // What comes may be nobody else's any more.
  [[nodiscard]] bool is_on_its_way() const { return receiver_ != nullptr; }

 private:
  void handle(HandoffReceiver::Outcome outcome);

  Loop& loop_;
  const std::function<void(HandoffReceiver::Outcome)> on_ours_;
  std::unique_ptr<HandoffReceiver> receiver_;
  std::optional<HandoffReceiver::Outcome> orphaned_;  // what to do with it is the master's to say
  bool is_dead_ = false;                              // the old worker
  bool is_ours_ = false;
};

}  // namespace wsd::worker
