#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "tests/load/channel_message.h"
#include "tests/load/errors.h"

namespace wsd::load {

// What one subscriber has got of each publisher, and the verdict: each message once, in its publisher's order.
class ChannelLedger {
 public:
  explicit ChannelLedger(std::size_t publishers) : last_(publishers), probed_(publishers) {}

  // Whether it is a message that was to come, and no probe.
  bool take(const ChannelMessage& message, Errors& errors);

  // A probe of it has come: what it publishes from now on must come too.
  [[nodiscard]] bool is_reached_by(std::size_t publisher) const { return probed_[publisher]; }
  // The last number of it that has come, whatever was left out before.
  [[nodiscard]] std::uint64_t last(std::size_t publisher) const { return last_[publisher]; }
  // Left out, and not come since.
  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

 private:
  std::vector<std::uint64_t> last_;
  std::vector<bool> probed_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> missing_;  // publisher, number
};

}  // namespace wsd::load
