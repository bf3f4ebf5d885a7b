// What this slot has published to kept channels and their home has not acknowledged: should the home die, it goes to
// the next worker there. One per home slot.
//
// Owned by the bus.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/publication.h"

namespace wsd::worker {

// A publication that owns its bytes.
struct KeptPublication {
  std::uint64_t number = 0;  // of its origin's: raised with each, also from one process of a slot to the next
  std::string channel;
  std::string data;
  MessageType type = MessageType::text;
  ConnectionId publisher = 0;
  std::vector<ConnectionId> excluded;
  std::uint64_t question = 0;  // 0: nobody wants to know how many got it
  std::uint64_t published_ns = 0;
  std::uint64_t weight = 1;

  KeptPublication() = default;
  KeptPublication(std::uint64_t number_, const Publication& publication, std::uint64_t question_)
      : number(number_),
        channel(publication.channel),
        data(publication.data),
        type(publication.type),
        publisher(publication.publisher),
        excluded(publication.excluded.begin(), publication.excluded.end()),
        question(question_),
        published_ns(publication.published_ns),
        weight(publication.weight) {}

  [[nodiscard]] Publication view() const { return {channel, data, type, publisher, excluded, published_ns, weight}; }
  [[nodiscard]] std::size_t size() const { return sizeof(*this) + channel.size() + data.size(); }
};

class KeptOutbox {
 public:
  [[nodiscard]] bool empty() const { return publications_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] auto begin() const { return publications_.begin(); }
  [[nodiscard]] auto end() const { return publications_.end(); }

  // Numbers rise.
  const KeptPublication& add(KeptPublication publication) {
    bytes_ += publication.size();
    return publications_.emplace_back(std::move(publication));
  }
  // The home has passed on all of them up to this number.
  void acknowledge(std::uint64_t number) {
    while (!publications_.empty() && publications_.front().number <= number) pop_front();
  }
  // Takes back the one of this number; nothing if it is acknowledged already.
  std::optional<KeptPublication> take(std::uint64_t number) {
    for (auto found = publications_.begin(); found != publications_.end(); ++found) {
      if (found->number != number) continue;
      KeptPublication publication = std::move(*found);
      bytes_ -= publication.size();
      publications_.erase(found);
      return publication;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool holds(std::string_view channel) const {
    for (const KeptPublication& publication : publications_) {
      if (publication.channel == channel) return true;
    }
    return false;
  }

 private:
  void pop_front() {
    bytes_ -= publications_.front().size();
    publications_.pop_front();
  }

  std::deque<KeptPublication> publications_;
  std::size_t bytes_ = 0;
};

}  // namespace wsd::worker
