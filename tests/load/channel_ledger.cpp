#include "tests/load/channel_ledger.h"

namespace wsd::load {

bool ChannelLedger::take(const ChannelMessage& message, Errors& errors) {
  const auto fault = [](std::size_t& count) {
    ++count;
    return false;
  };
  if (message.publisher >= last_.size()) return fault(errors.wrong);
  if (message.number == 0) {
    probed_[message.publisher] = true;
    return false;
  }
  std::uint64_t& last = last_[message.publisher];
  if (missing_.erase({message.publisher, message.number}) > 0) return fault(errors.reordered);
  if (message.number <= last) return fault(errors.doubled);
  while (++last != message.number) missing_.emplace(message.publisher, last);
  return true;
}

}  // namespace wsd::load
