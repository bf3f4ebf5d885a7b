// What a kept channel's home knows: its members, and its latest messages. The one truth on the machine; no I/O.
//
// Owned by the bus of the home slot.

#pragma once

#include <wsd/channel.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/publication.h"
#include "worker/text_hash.h"

namespace wsd::worker {

class ChannelHome {
 public:
  struct Past {
    std::string data;
    MessageType type = MessageType::text;
    ConnectionId publisher = 0;
    bool operator==(const Past&) const = default;
  };

  // ---- members
  struct Joined {
    bool accepted = false;
    bool is_news = false;                 // it was no member before, or not by this name
    std::optional<std::string> old_name;  // by which it was a member
  };
  // With `unique`, refused if another member has the name. An empty name belongs to nobody.
  Joined join(ConnectionId id, std::string_view name, bool unique);
  // Its name, if it was a member.
  std::optional<std::string> leave(ConnectionId id);
  [[nodiscard]] std::size_t member_count() const { return members_.size(); }
  // At most so many. The views live until a member leaves or is renamed.
  [[nodiscard]] std::vector<Member> members(std::size_t limit) const;
  [[nodiscard]] std::vector<ConnectionId> members_of_slot(std::uint16_t slot) const;

  // ---- history
  // Keeps the latest `limit`.
  void remember(const Publication& publication, std::size_t limit);
  [[nodiscard]] const std::deque<Past>& history() const { return history_; }
  [[nodiscard]] std::size_t history_bytes() const;
  // A crash has cost the messages before the first of history().
  void lose_history() { history_lost_ = true; }
  // Whether some of what the history should hold is lost: until `limit` messages have come since.
  [[nodiscard]] bool is_history_lost(std::size_t limit) const { return history_lost_ && history_.size() < limit; }

  // Nothing is known that would be missed.
  [[nodiscard]] bool is_empty() const { return members_.empty() && history_.empty() && !history_lost_; }

  // ---- from one worker to another
  [[nodiscard]] const std::map<ConnectionId, std::string>& all_members() const { return members_; }
  [[nodiscard]] bool lost_flag() const { return history_lost_; }
  void restore(std::deque<Past> history, bool history_lost);

 private:
  std::map<ConnectionId, std::string> members_;
  std::unordered_multimap<std::string, ConnectionId, TextHash, std::equal_to<>> names_;  // that are not empty
  std::deque<Past> history_;
  bool history_lost_ = false;

  void forget_name(const std::string& name, ConnectionId id);
};

}  // namespace wsd::worker
