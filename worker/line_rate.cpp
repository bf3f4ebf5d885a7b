#include "worker/line_rate.h"

#include <algorithm>
#include <utility>

namespace wsd::worker {

LineRate::Kind& LineRate::find(std::string_view kind, TimePoint now) {
  constexpr std::string_view others = "something";
  const auto found = kinds_.find(kind);
  if (found != kinds_.end()) return found->second;
  const std::string_view name = kinds_.size() < max_kinds ? kind : others;
  return kinds_.try_emplace(std::string(name), Kind{.bucket = TokenBucket(rate, now)}).first->second;
}

bool LineRate::take(std::string_view kind, TimePoint now) {
  Kind& entry = find(kind, now);
  if (entry.bucket.take(now)) return true;
  if (entry.held_back++ == 0) {
    entry.since = now;
    due_ = std::min(due_.value_or(now + patience), now + patience);
  }
  return false;
}

std::vector<LineRate::HeldBack> LineRate::take_held_back(TimePoint now) {
  if (!due_ || now < *due_) return {};
  due_.reset();
  std::vector<HeldBack> result;
  for (auto& [name, kind] : kinds_) {
    if (kind.held_back == 0) continue;
    if (now - patience >= kind.since) {
      result.push_back({name, std::exchange(kind.held_back, 0)});
    } else {
      due_ = std::min(due_.value_or(kind.since + patience), kind.since + patience);
    }
  }
  return result;
}

}  // namespace wsd::worker
