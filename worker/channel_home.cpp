#include "worker/channel_home.h"

#include <algorithm>
#include <utility>

#include "worker/connection_id.h"

namespace wsd::worker {

ChannelHome::Joined ChannelHome::join(ConnectionId id, std::string_view name, bool unique) {
  const auto [first, last] = names_.equal_range(name);
  const bool taken = std::any_of(first, last, [id](const auto& entry) { return entry.second != id; });
  if (unique && taken) return {};
  const auto [member, is_new] = members_.try_emplace(id, name);
  Joined joined{.accepted = true, .is_news = is_new, .old_name = {}};
  if (!is_new && member->second != name) {
    joined.is_news = true;
    joined.old_name = std::exchange(member->second, std::string(name));
    forget_name(*joined.old_name, id);
  }
  if (joined.is_news && !name.empty()) names_.emplace(name, id);
  return joined;
}

std::optional<std::string> ChannelHome::leave(ConnectionId id) {
  auto node = members_.extract(id);
  if (!node) return std::nullopt;
  forget_name(node.mapped(), id);
  return std::move(node.mapped());
}

void ChannelHome::forget_name(const std::string& name, ConnectionId id) {
  const auto [first, last] = names_.equal_range(name);
  const auto found = std::find_if(first, last, [id](const auto& entry) { return entry.second == id; });
  if (found != last) names_.erase(found);
}

std::vector<Member> ChannelHome::members(std::size_t limit) const {
  std::vector<Member> members;
  members.reserve(std::min(limit, members_.size()));
  for (const auto& [id, name] : members_) {
    if (members.size() >= limit) break;
    members.push_back({id, name});
  }
  return members;
}

std::vector<ConnectionId> ChannelHome::members_of_slot(std::uint16_t slot) const {
  std::vector<ConnectionId> ids;
  const auto end = members_.lower_bound(first_id_of(slot + 1U));
  for (auto member = members_.lower_bound(first_id_of(slot)); member != end; ++member) ids.push_back(member->first);
  return ids;
}

void ChannelHome::remember(const Publication& publication, std::size_t limit) {
  if (limit == 0) return;
  history_.push_back({std::string(publication.data), publication.type, publication.publisher});
  while (history_.size() > limit) history_.pop_front();
}

std::size_t ChannelHome::history_bytes() const {
  std::size_t bytes = 0;
  for (const Past& past : history_) bytes += sizeof(past) + past.data.size();
  return bytes;
}

void ChannelHome::restore(std::deque<Past> history, bool history_lost) {
  history_ = std::move(history);
  history_lost_ = history_lost;
}

}  // namespace wsd::worker
