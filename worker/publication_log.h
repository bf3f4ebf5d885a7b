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
  }

 private:
  static constexpr std::size_t max_bytes = 32 * 1024;

  [[nodiscard]] static constexpr std::size_t cost(std::size_t size) { return size + sizeof(Entry); }

  std::deque<Entry> entries_;
  std::uint64_t first_ = 0;  // the number of the first entry
  std::size_t bytes_ = 0;
};

}  // namespace wsd::worker
