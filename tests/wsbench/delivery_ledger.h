// What one listener of a fan-out has got of each publisher, and the verdict: each publication once, in its publisher's
// order.

#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace wsd::bench {

class DeliveryLedger {
 public:
  explicit DeliveryLedger(std::size_t publishers) : last_(publishers), reached_(publishers) {}

  enum class Verdict : std::uint8_t {
    proper,     // and none before it is missing, unless it was the one that was skipped
    probe,      // no publication
    doubled,    // it had come before
    reordered,  // it comes after a later one of its publisher
    unknown,    // there is no such publisher
  };
  [[nodiscard]] Verdict take(std::uint32_t publisher, std::uint64_t number);

  // A probe or a publication of it has come: what it publishes from now on must come too.
  [[nodiscard]] bool is_reached_by(std::size_t publisher) const { return reached_[publisher]; }
  // The last number of it that has come, whatever was left out before.
  [[nodiscard]] std::uint64_t last(std::size_t publisher) const { return last_[publisher]; }
  // Left out, and not come since.
  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

 private:
  std::vector<std::uint64_t> last_;
  std::vector<bool> reached_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> missing_;  // publisher, number
};

}  // namespace wsd::bench
