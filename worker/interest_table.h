// Which slots have subscribers of which channel, our own among them. A slot that is there and has not told yet may have
// subscribers of any.

#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/text_hash.h"

namespace wsd::worker {

class InterestTable {
 public:
  using Slots = std::vector<std::uint16_t>;

  void add(std::string_view channel, std::uint16_t slot) {
    auto found = channels_.find(channel);
    if (found == channels_.end()) found = channels_.emplace(channel, Slots()).first;
    if (!contains(found->second, slot)) found->second.push_back(slot);
  }
  void remove(std::string_view channel, std::uint16_t slot) {
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return;
    std::erase(found->second, slot);
    if (found->second.empty()) channels_.erase(found);
  }
  // The slot is about to tell what it wants; until note_told() it hears all that there is.
  void expect(std::uint16_t slot) {
    if (!contains(untold_, slot)) untold_.push_back(slot);
  }
  void note_told(std::uint16_t slot) { std::erase(untold_, slot); }
  [[nodiscard]] bool has_told(std::uint16_t slot) const { return !contains(untold_, slot); }
  // The slot has nobody any more.
  void remove_slot(std::uint16_t slot) {
    note_told(slot);
    for (auto next = channels_.begin(); next != channels_.end();) {
      std::erase(next->second, slot);
      next = next->second.empty() ? channels_.erase(next) : std::next(next);
    }
  }

  // In no particular order. The reference dies with the next change.
  [[nodiscard]] const Slots& slots_of(std::string_view channel) const {
    static const Slots nobody;
    const auto found = channels_.find(channel);
    return found == channels_.end() ? nobody : found->second;
  }
  [[nodiscard]] bool is_interested(std::string_view channel, std::uint16_t slot) const {
    return contains(slots_of(channel), slot);
  }
  // visit(slot) for each that may have subscribers of the channel.
  template <typename Visit>
  void for_each_listener(std::string_view channel, Visit&& visit) const {
    const Slots& interested = slots_of(channel);
    for (const std::uint16_t slot : interested) visit(slot);
    for (const std::uint16_t slot : untold_) {
      if (!contains(interested, slot)) visit(slot);
    }
  }
  // visit(channel, slots) for each.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [channel, slots] : channels_) visit(channel, slots);
  }

 private:
  static bool contains(const Slots& slots, std::uint16_t slot) { return std::ranges::find(slots, slot) != slots.end(); }

  std::unordered_map<std::string, Slots, TextHash, std::equal_to<>> channels_;
  Slots untold_;
};

}  // namespace wsd::worker
