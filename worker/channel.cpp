#include "worker/channel.h"

#include <algorithm>
#include <utility>

#include "worker/channels.h"
#include "worker/client_connection.h"
#include "worker/connection_context.h"

namespace wsd::worker {

namespace {

// Subscribers that one turn has time for: about a millisecond.
constexpr std::size_t many = 256;

// Of the connections that come next, since no cache holds ten thousands: as many as memory can be asked for at once.
constexpr std::size_t fetched_ahead = 6;

// Into the cache, as far as output touches it.
void fetch(const ClientConnection* connection) {
  constexpr std::size_t line = 64, output_ends = 3 * line;
  const auto* const begin = reinterpret_cast<const char*>(connection);
  for (std::size_t offset = 0; offset < output_ends; offset += line) __builtin_prefetch(begin + offset, 1);
}

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
  subscribers_.push_back({&subscriber, log_.end()});
  return static_cast<std::uint32_t>(subscribers_.size() - 1);
}

ClientConnection* Channel::remove(std::uint32_t position) {
  // Its new place may be one that has had its turn.
  if (position < round_position_) catch_up(subscribers_.back());
  subscribers_[position] = subscribers_.back();
  subscribers_.pop_back();
  round_position_ = std::min(round_position_, subscribers_.size());
  return position < subscribers_.size() ? subscribers_[position].connection : nullptr;
}

std::size_t Channel::deliver(const Publication& publication, ConnectionContext& context) {
  if (subscribers_.empty()) return 0;
  const bool waits = options_.batch.count() > 0 && (publication.type == MessageType::text || options_.newest_only);
  if (waits) {
    add_to_batch(publication);
    return count_open(publication, context);
  }
  send_batch(context);  // what came before it goes before it
  return send(publication, context);
}

std::size_t Channel::send(const Publication& publication, ConnectionContext& context) {
  if (log_.empty() && subscribers_.size() <= many) {
    return send_at_once(context.share(publication.type, publication.data), publication);
  }
  while (!log_.has_room_for(publication.data.size())) go_on(context);
  if (log_.empty()) {
    context.channels.begin_rounds(*this);
    round_position_ = 0;
    round_end_ = log_.end() + 1;
  }
  log_.add(publication);
  return count_open(publication, context);
}

// Nothing that a subscriber may do to us in here changes the list: connections are destroyed, and applications called,
// at the end of the turn.
std::size_t Channel::send_at_once(SharedMessage& message, const Publication& publication) {
  std::size_t taken = 0;
  for (const Subscriber& subscriber : subscribers_) {
    ClientConnection& connection = *subscriber.connection;
    if (!publication.excluded.empty() && !publication.is_for(connection.id())) continue;
    if (connection.take_publication(message, options_.slow_consumer, number_)) ++taken;
  }
  return taken;
}

void Channel::go_on(ConnectionContext& context) {
  const std::uint64_t end = log_.end();
  for (std::size_t rest = many; rest > 0 && round_position_ < subscribers_.size(); ++round_position_) {
    Subscriber& subscriber = subscribers_[round_position_];
    if (round_position_ + fetched_ahead < subscribers_.size()) {
      fetch(subscribers_[round_position_ + fetched_ahead].connection);
    }
    if (subscriber.next == end) continue;
    if (!send_run(subscriber)) catch_up(subscriber);
    --rest;
  }
  context.flush();  // of the others; it may refer to what is forgotten now
  if (round_position_ < subscribers_.size()) return;
  log_.forget_until(round_end_);
  round_position_ = 0;
  round_end_ = log_.end();
}

// Where a write of its own will do, which most of them need: nothing is kept for the end of the turn then.
bool Channel::send_run(Subscriber& subscriber) {
  const PublicationLog::Run& run = log_.run_from(subscriber.next);
  ClientConnection& connection = *subscriber.connection;
  if (!run.is_for(connection.id()) || !connection.take_at_once(run.frames, run.end - run.begin)) return false;
  subscriber.next = run.end;
  return true;
}

void Channel::catch_up(Subscriber& subscriber) {
  ClientConnection& connection = *subscriber.connection;
  while (subscriber.next < log_.end()) {
    PublicationLog::Entry& entry = log_.at(subscriber.next++);
    if (std::ranges::find(entry.excluded, connection.id()) != entry.excluded.end()) continue;
    connection.take_publication(entry.message, options_.slow_consumer, number_);
  }
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

std::size_t Channel::count_open(const Publication& publication, const ConnectionContext& context) const {
  const auto excluded = std::ranges::count_if(
      publication.excluded, [&](ConnectionId id) { return context.channels.gets_messages(id, name_); });
  return subscribers_.size() - ending - static_cast<std::size_t>(excluded);
}

void Channel::send_batch(ConnectionContext& context) {
  if (batch_.empty()) return;
  const auto batch = std::exchange(batch_, {});
  batch_size_ = 0;
  if (!options_.newest_only) return send_array(batch, context);
  const Waiting& newest = batch.back();
  send({.channel = name_, .data = newest.data, .type = newest.type, .publisher = 0, .excluded = newest.excluded},
       context);
}

// Nearly everybody gets the same array; who is excluded from some of the batch gets one of its own.
void Channel::send_array(const std::vector<Waiting>& batch, ConnectionContext& context) {
  std::vector<ConnectionId> special;
  for (const Waiting& waiting : batch) {
    special.insert(special.end(), waiting.excluded.begin(), waiting.excluded.end());
  }
  constexpr ConnectionId nobody = 0;
  const std::string for_all = array_of(batch, nobody);
  send({.channel = name_, .data = for_all, .type = MessageType::text, .publisher = 0, .excluded = special}, context);
  if (special.empty()) return;
  for (Subscriber& subscriber : subscribers_) {
    ClientConnection& connection = *subscriber.connection;
    if (std::ranges::find(special, connection.id()) == special.end()) continue;
    const std::string array = array_of(batch, connection.id());
    if (array.empty()) continue;
    catch_up(subscriber);
    connection.take_publication(context.share(MessageType::text, array), options_.slow_consumer, number_);
  }
}

}  // namespace wsd::worker
