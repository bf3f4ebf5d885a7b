#include "worker/channel.h"

#include <algorithm>
#include <utility>

#include "worker/client_connection.h"
#include "worker/connection_context.h"

namespace wsd::worker {

namespace {

// Those of `batch` that are meant for `subscriber`, as one JSON array; empty if there are none.
template <typename Batch>
std::string array_of(const Batch& batch, ConnectionId subscriber) {
  std::string array;
  for (const auto& waiting : batch) {
    if (std::ranges::find(waiting.excluded, subscriber) != waiting.excluded.end()) continue;
    array += array.empty() ? '[' : ',';
    array += waiting.data;
  }
  if (!array.empty()) array += ']';
  return array;
}

}  // namespace

std::uint32_t Channel::add(ClientConnection& subscriber) {
  subscribers_.push_back(&subscriber);
  return static_cast<std::uint32_t>(subscribers_.size() - 1);
}

ClientConnection* Channel::remove(std::uint32_t position) {
  subscribers_[position] = subscribers_.back();
  subscribers_.pop_back();
  return position < subscribers_.size() ? subscribers_[position] : nullptr;
}

std::size_t Channel::deliver(const Publication& publication, ConnectionContext& context) {
  if (subscribers_.empty()) return 0;
  const bool waits = options_.batch.count() > 0 && (publication.type == MessageType::text || options_.newest_only);
  if (waits) {
    add_to_batch(publication);
    return count_open(publication);
  }
  send_batch(context);  // what came before it goes before it
  return send(context.share(publication.type, publication.data), publication);
}

// Nothing that a subscriber may do to us in here changes the list: connections are destroyed, and applications called,
// at the end of the turn.
std::size_t Channel::send(SharedMessage& message, const Publication& publication) {
  std::size_t taken = 0;
  for (ClientConnection* const subscriber : subscribers_) {
    if (publication.excluded.empty() || publication.is_for(subscriber->id())) {
      if (subscriber->take_publication(message, options_.slow_consumer, number_)) ++taken;
    }
  }
  return taken;
}

void Channel::add_to_batch(const Publication& publication) {
  if (options_.newest_only) {
    batch_.clear();
    batch_size_ = 0;
  }
  batch_.push_back(
      {std::string(publication.data), publication.type, {publication.excluded.begin(), publication.excluded.end()}});
  batch_size_ += publication.data.size();
}

std::size_t Channel::count_open(const Publication& publication) const {
  return static_cast<std::size_t>(std::ranges::count_if(subscribers_, [&](const ClientConnection* subscriber) {
    return subscriber->is_open() && publication.is_for(subscriber->id());
  }));
}

void Channel::send_batch(ConnectionContext& context) {
  if (batch_.empty()) return;
  const auto batch = std::exchange(batch_, {});
  batch_size_ = 0;
  if (!options_.newest_only) return send_array(batch, context);
  const Waiting& newest = batch.back();
  send(context.share(newest.type, newest.data),
       {.channel = name_, .data = newest.data, .type = newest.type, .publisher = 0, .excluded = newest.excluded});
}

// Nearly everybody gets the same array; who is excluded from some of the batch gets one of its own.
void Channel::send_array(const std::vector<Waiting>& batch, ConnectionContext& context) {
  std::vector<ConnectionId> special;
  for (const Waiting& waiting : batch) {
    special.insert(special.end(), waiting.excluded.begin(), waiting.excluded.end());
  }
  constexpr ConnectionId nobody = 0;
  SharedMessage& message = context.share(MessageType::text, array_of(batch, nobody));
  send(message, {.channel = name_, .data = {}, .type = MessageType::text, .publisher = 0, .excluded = special});
  if (special.empty()) return;
  for (ClientConnection* const subscriber : subscribers_) {
    if (std::ranges::find(special, subscriber->id()) == special.end()) continue;
    const std::string array = array_of(batch, subscriber->id());
    if (array.empty()) continue;
    subscriber->take_publication(context.share(MessageType::text, array), options_.slow_consumer, number_);
  }
}

}  // namespace wsd::worker
