// How many log lines strangers may cause: of each kind so many at once, and from then on one now and then. What is held
// back is counted, and told of in one line. What clients do must not fill a disk.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/token_bucket.h"

namespace wsd::worker {

class LineRate {
 public:
  using TimePoint = TokenBucket::TimePoint;

  static constexpr Rate rate{.per_second = 0.1, .burst = 10};  // of each kind
  static constexpr std::chrono::seconds patience{10};          // before what is held back is told of
  static constexpr std::size_t max_kinds = 64;                 // the rest shares one bucket

  // Whether a line of this kind may be written now. If not, it is counted. `kind`: a sentence's subject, not a client's
  // words.
  [[nodiscard]] bool take(std::string_view kind, TimePoint now);

  struct HeldBack {
    std::string kind;
    std::uint64_t lines = 0;
    bool operator==(const HeldBack&) const = default;
  };
  // What is to be told of now: each kind once per `patience`, and nothing twice.
  [[nodiscard]] std::vector<HeldBack> take_held_back(TimePoint now);
  // All of it, at the end.
  [[nodiscard]] std::vector<HeldBack> take_all_held_back() { return take_held_back(TimePoint::max()); }

 private:
  struct Kind {
    TokenBucket bucket;
    std::uint64_t held_back = 0;
    TimePoint since{};  // of the first that is held back
  };

  [[nodiscard]] Kind& find(std::string_view kind, TimePoint now);

  std::map<std::string, Kind, std::less<>> kinds_;
  std::optional<TimePoint> due_;  // nothing is to be told of before
};

}  // namespace wsd::worker
