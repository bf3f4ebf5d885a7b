// What has been published to a channel of many and not everybody has got yet, numbered in its order.
//
// Owned by the channel. A message stays at its address until it is forgotten.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "worker/publication.h"
#include "worker/shared_message.h"

namespace wsd::worker {

class PublicationLog {
 public:
  struct Entry {
    explicit Entry(const Publication& publication)
        : message(publication.type, publication.data),
          excluded(publication.excluded.begin(), publication.excluded.end()) {}

    SharedMessage message;
    std::vector<ConnectionId> excluded;
  };

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  // The number that the next one gets. The first one ever has 0.
  [[nodiscard]] std::uint64_t end() const { return first_ + entries_.size(); }
  [[nodiscard]] Entry& at(std::uint64_t number) { return entries_[static_cast<std::size_t>(number - first_)]; }

  // What has been published since a subscriber's last turn, for all who are as far.
  struct Run {
    SharedFrame frames;                  // together, as they go on the wire; none of them is compressed
    std::vector<ConnectionId> excluded;  // from one of them at least
    std::uint64_t begin = 0, end = 0;

    [[nodiscard]] bool is_for(ConnectionId subscriber) const {
      return std::ranges::find(excluded, subscriber) == excluded.end();
    }
  };
  // From `number`, which is in the log, to the end. Valid until the next call of anything.
  [[nodiscard]] const Run& run_from(std::uint64_t number) {
    if (run_.begin != number || run_.end != end()) [[unlikely]]
      make_run(number);
    return run_;
  }

  // Whether one of this size may be added. All that is here may go to a subscriber at once, so it is not much more than
  // a socket takes; a large one waits until it can be alone.
  [[nodiscard]] bool has_room_for(std::size_t size) const { return empty() || bytes_ + cost(size) <= max_bytes; }
  void add(const Publication& publication) {
    entries_.emplace_back(publication);
    bytes_ += cost(publication.data.size());
  }
  // Those before `number`. Nothing refers to them.
  void forget_until(std::uint64_t number) {
    for (; first_ < number; ++first_) {
      bytes_ -= cost(entries_.front().message.payload().size());
      entries_.pop_front();
    }
    if (entries_.empty()) run_ = {};
  }

 private:
  static constexpr std::size_t max_bytes = 32 * 1024;

  [[nodiscard]] static constexpr std::size_t cost(std::size_t size) { return size + sizeof(Entry); }

  void make_run(std::uint64_t number);

  std::deque<Entry> entries_;
  std::uint64_t first_ = 0;  // the number of the first entry
  std::size_t bytes_ = 0;
  Run run_;
};

}  // namespace wsd::worker
