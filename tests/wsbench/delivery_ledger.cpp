#include "tests/wsbench/delivery_ledger.h"

namespace wsd::bench {

DeliveryLedger::Verdict DeliveryLedger::take(std::uint32_t publisher, std::uint64_t number) {
  if (publisher >= last_.size()) return Verdict::unknown;
  reached_[publisher] = true;
  if (number == 0) return Verdict::probe;
  std::uint64_t& last = last_[publisher];
  if (number == last + 1) {
    last = number;
    return Verdict::proper;
  }
  if (number <= last) return missing_.erase({publisher, number}) > 0 ? Verdict::reordered : Verdict::doubled;
  while (++last != number) missing_.emplace(publisher, last);
  return Verdict::proper;
}

}  // namespace wsd::bench
