#include "worker/inheritance.h"

#include <utility>

namespace wsd::worker {

using Result = HandoffReceiver::Result;

Inheritance::Inheritance(Loop& loop, std::function<void(HandoffReceiver::Outcome)> on_ours)
    : loop_(loop), on_ours_(std::move(on_ours)) {}

void Inheritance::take_over(FileDescriptor stream) {
  receiver_ = std::make_unique<HandoffReceiver>(
      loop_, RecordSocket(std::move(stream)), [this](HandoffReceiver::Outcome outcome) { handle(std::move(outcome)); });
}

void Inheritance::handle_death() {
  is_dead_ = true;
  if (is_on_its_way() || is_ours_) return;  // the end of the stream comes yet, or was enough
  handle(orphaned_ ? std::move(*orphaned_) : HandoffReceiver::Outcome());
}

void Inheritance::handle(HandoffReceiver::Outcome outcome) {
  receiver_.reset();
  if (outcome.result == Result::withdrawn && !is_dead_) return;  // we are sent away
  if (outcome.result == Result::orphaned && !is_dead_) {
    orphaned_ = std::move(outcome);
    return;
  }
  is_ours_ = true;
  on_ours_(std::move(outcome));
}

}  // namespace wsd::worker
