// Decides which of many events are measured, so that measuring costs next to nothing where there are many: a clock
// read takes as long as a short callback.
//
// While events are few each one is measured; else some 1 in 16, at changing distances, since clients have rhythms too.
// One that is measured stands for those before it that were not: `weight()`.

#pragma once

#include <cstdint>

namespace wsd::worker {

class Sampler {
 public:
  // Whether this event is to be measured.
  [[nodiscard]] bool is_due() {
    if (--left_ > 0) return false;
    choose_next();
    return true;
  }
  // Of the event that was due last.
  [[nodiscard]] std::uint64_t weight() const { return weight_; }

  // Now and then: how many events there have been in all. Above so many since the last time, not each is measured.
  void note(std::uint64_t events, std::uint64_t few) {
    is_busy_ = events - noted_ > few;
    noted_ = events;
  }

 private:
  void choose_next() {
    weight_ = distance_;
    random_ = random_ * 1'664'525U + 1'013'904'223U;  // Numerical Recipes' generator: its upper bits are good enough
    distance_ = is_busy_ ? 1 + (random_ >> 27U) : 1;  // 1 to 32
    left_ = distance_;
  }

  std::uint32_t left_ = 1;
  std::uint32_t distance_ = 1;
  std::uint32_t weight_ = 1;
  std::uint32_t random_ = 1;
  std::uint64_t noted_ = 0;
  bool is_busy_ = false;
};

}  // namespace wsd::worker
