// How large messages are: always the same, anything in a range, or some more often than others.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tests/wsbench/random.h"

namespace wsd::bench {

class SizeDistribution {
 public:
  // "20", "1k" (k and M are 2^10 and 2^20), "64-4096" (each as likely), "20:90,1k:9,2k-64k:1" (in these proportions).
  // Throws std::invalid_argument with what is wrong and what would be right.
  static SizeDistribution parse(std::string_view text);

  [[nodiscard]] std::size_t sample(Random& random) const {
    if (is_fixed()) return choices_.front().least;
    return choose(random);
  }

  // Every message has the same size.
  [[nodiscard]] bool is_fixed() const { return choices_.size() == 1 && choices_[0].least == choices_[0].most; }
  [[nodiscard]] std::size_t largest() const;
  [[nodiscard]] std::size_t smallest() const;
  [[nodiscard]] double mean() const;

 private:
  struct Choice {
    std::size_t least, most;
    std::uint64_t weights_so_far;  // this one's and those of all before it
  };

  [[nodiscard]] std::size_t choose(Random& random) const;

  std::vector<Choice> choices_;
};

}  // namespace wsd::bench
