// Cheap pseudo random numbers, the same for the same seed on every machine (SplitMix64, Steele et al. 2014).

#pragma once

#include <cstdint>
#include <random>

namespace wsd::bench {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // Others in each process. Asking the system takes long beside next().
  static Random from_system() {
    std::random_device system;
    return Random((std::uint64_t{system()} << 32U) | system());
  }

  std::uint64_t next() {
    std::uint64_t word = state_ += 0x9E3779B97F4A7C15;
    word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9;
    word = (word ^ (word >> 27U)) * 0x94D049BB133111EB;
    return word ^ (word >> 31U);
  }
  // 0 to end - 1; `end` is above 0 and well below 2^64, or the small ones come a little more often.
  std::uint64_t below(std::uint64_t end) { return next() % end; }

 private:
  std::uint64_t state_;
};

}  // namespace wsd::bench
