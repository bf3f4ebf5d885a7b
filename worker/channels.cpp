#include "worker/channels.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/utf8.h"
#include "worker/client_connection.h"
#include "worker/connection_context.h"
#include "worker/connection_state.h"
#include "worker/uv_timer.h"

namespace wsd::worker {

namespace {

constexpr std::size_t max_name_size = 255;

bool is_proper_name(std::string_view name) {
  return name.size() <= max_name_size && protocol::is_valid_utf8(std::as_bytes(std::span(name)));
}

bool is_proper_channel(std::string_view channel) {
  return !channel.empty() && is_proper_name(channel);
}

Memberships::iterator find_membership(Memberships& memberships, std::string_view channel) {
  return std::ranges::find_if(memberships, [channel](const Membership& one) { return one.channel->name() == channel; });
}

}  // namespace

Channels::Channels(Loop& loop, AppHost& app, const ConnectionTable& connections)
    : app_(app), connections_(connections) {
  batch_timer_ = make_timer(loop, this);
  each_turn_ = make_uv_handle<uv_idle_t>([&](uv_idle_t* handle) { return uv_idle_init(loop.get(), handle); });
  each_turn_->data = this;
}

void Channels::connect(Bus& bus, ConnectionContext& context) {
  bus_ = &bus;
  context_ = &context;
}

// ---- for connections ------------------------------------------------------------------------------------------------

void Channels::subscribe(ClientConnection& subscriber, std::string_view channel, std::string_view name) {
  if (!is_proper_channel(channel) || !is_proper_name(name)) {
    throw std::invalid_argument("a channel has a name of 1 to 255 bytes of UTF-8, and so has a member, if any");
  }
  if (!subscriber.is_open()) return;
  Memberships& memberships = subscriber.memberships();
  auto membership = find_membership(memberships, channel);
  if (membership == memberships.end()) {
    Channel& joined = channel_for(channel);
    membership = memberships.insert(membership, Membership());
    membership->channel = &joined;
    ++joined.joining;
    if (!joined.is_kept()) join(subscriber, joined);
  }
  Channel& its_channel = *membership->channel;
  const bool asks =
      its_channel.is_kept() && (!membership->joined || membership->name != name || membership->question != 0);
  if (!asks) return;
  membership->asked_name = name;
  membership->question = bus_->join(channel, subscriber.id(), name);
}

// Messages come from here on: those that wait already are not for this one, or are in the history it was given.
void Channels::join(ClientConnection& subscriber, Channel& channel) {
  Membership& membership = *find_membership(subscriber.memberships(), channel.name());
  if (std::exchange(membership.joined, true)) return;
  send_batch(channel);
  --channel.joining;
  if (!subscriber.is_open()) ++channel.ending;
  membership.position = channel.add(subscriber);
}

void Channels::unsubscribe(ClientConnection& subscriber, std::string_view channel) {
  Memberships& memberships = subscriber.memberships();
  const auto found = find_membership(memberships, channel);
  if (found == memberships.end()) return;
  if (found->channel->is_kept()) bus_->leave(channel, subscriber.id());
  drop(subscriber, static_cast<std::size_t>(found - memberships.begin()));
}

void Channels::note_ending(const ClientConnection& subscriber) {
  const Memberships* const memberships = subscriber.memberships_if_any();
  if (memberships == nullptr) return;
  for (const Membership& membership : *memberships) {
    if (membership.joined) ++membership.channel->ending;
  }
}

void Channels::leave_all(ClientConnection& subscriber) {
  Memberships& memberships = subscriber.memberships();
  while (!memberships.empty()) {
    const Channel& channel = *memberships.back().channel;
    if (channel.is_kept()) bus_->leave(channel.name(), subscriber.id());
    drop(subscriber, memberships.size() - 1);
  }
}

void Channels::drop(ClientConnection& subscriber, std::size_t index) {
  Memberships& memberships = subscriber.memberships();
  const Membership gone = std::move(memberships[index]);
  memberships.erase(memberships.begin() + static_cast<std::ptrdiff_t>(index));
  Channel& channel = *gone.channel;
  if (!gone.joined) {
    --channel.joining;
  } else {
    channel.catch_up(gone.position);
    if (!subscriber.is_open()) --channel.ending;
    ClientConnection* const moved = channel.remove(gone.position);
    if (moved != nullptr) find_membership(moved->memberships(), channel.name())->position = gone.position;
  }
  forget_if_empty(channel);
}

bool Channels::is_subscribed(const ClientConnection& subscriber, std::string_view channel) const {
  const Memberships* const memberships = subscriber.memberships_if_any();
  return memberships != nullptr && std::ranges::any_of(*memberships, [channel](const Membership& membership) {
           return membership.joined && membership.channel->name() == channel;
         });
}

SendResult Channels::publish(const ClientConnection& publisher, std::string_view channel, std::string_view data,
                             MessageType type) {
  if (!is_proper_channel(channel)) return SendResult::dropped;
  const ConnectionId id = publisher.id();
  return bus_->publish({channel, data, type, id, {&id, 1}});
}

// ---- for the worker and for other programs --------------------------------------------------------------------------

SendResult Channels::publish(std::string_view channel, std::string_view data, MessageType type,
                             Bus::TellDelivery tell) {
  // Nobody can be subscribed to what is no proper name: the bus finds nobody.
  return bus_->publish({channel, data, type, 0, {}}, std::move(tell));
}

SendResult Channels::deliver_here(std::string_view channel, std::string_view data, MessageType type) {
  return deliver({channel, data, type, 0, {}}) > 0 ? SendResult::sent : SendResult::dropped;
}

ClientConnection* Channels::find(ConnectionId id) const {
  return connections_.find(id);
}

void Channels::catch_up(const ClientConnection& subscriber) {
  const Memberships* const memberships = subscriber.memberships_if_any();
  if (memberships == nullptr) return;
  for (const Membership& membership : *memberships) {
    if (membership.joined) membership.channel->catch_up(membership.position);
  }
}

bool Channels::gets_messages(ConnectionId id, std::string_view channel) const {
  const ClientConnection* const connection = find(id);
  return connection != nullptr && connection->is_open() && is_subscribed(*connection, channel);
}

// ---- channels -------------------------------------------------------------------------------------------------------

Channel* Channels::find_channel(std::string_view name) const {
  const auto found = channels_.find(name);
  return found == channels_.end() ? nullptr : found->second.get();
}

Channel& Channels::channel_for(std::string_view name) {
  if (Channel* const channel = find_channel(name)) return *channel;
  auto& channel = channels_[std::string(name)];
  channel = make_channel(name);
  bus_->set_interest(name, true);
  return *channel;
}

std::unique_ptr<Channel> Channels::make_channel(std::string_view name) {
  return std::make_unique<Channel>(name, ++last_channel_, options_of(name));
}

void Channels::forget_if_empty(Channel& channel) {
  if (!channel.is_empty()) return;
  std::erase_if(batches_, [&channel](const auto& batch) { return batch.second == &channel; });
  if (channel.is_under_way()) {
    context_->flush();  // the turn's output may refer to its messages
    std::erase(under_way_, &channel);
  }
  bus_->set_interest(channel.name(), false);
  channels_.erase(channels_.find(channel.name()));
}

const ChannelOptions& Channels::options_of(std::string_view channel) const {
  return app_.channel_options(channel);
}

// ---- rounds ---------------------------------------------------------------------------------------------------------

void Channels::begin_rounds(Channel& channel) {
  // It may be among them still, with all that it had sent for want of room.
  if (std::ranges::find(under_way_, &channel) == under_way_.end()) under_way_.push_back(&channel);
  uv_idle_start(each_turn_.get(), [](uv_idle_t* handle) { static_cast<Channels*>(handle->data)->go_on(); });
}

void Channels::go_on() {
  if (!under_way_.empty()) {
    Channel& channel = *under_way_.front();
    channel.go_on(*context_);
    std::rotate(under_way_.begin(), under_way_.begin() + 1, under_way_.end());
    if (!channel.is_under_way()) under_way_.pop_back();
  }
  if (under_way_.empty()) uv_idle_stop(each_turn_.get());
}

// ---- batches --------------------------------------------------------------------------------------------------------

void Channels::arm_batches() {
  if (batches_.empty()) {
    uv_timer_stop(batch_timer_.get());
    return;
  }
  const std::uint64_t due = batches_.begin()->first;
  const std::uint64_t now = context_->now_ms();
  uv_timer_start(
      batch_timer_.get(), [](uv_timer_t* timer) { static_cast<Channels*>(timer->data)->batches_due(); },
      due > now ? due - now : 0, 0);
}

void Channels::batches_due() {
  while (!batches_.empty() && batches_.begin()->first <= context_->now_ms()) {
    Channel* const channel = batches_.begin()->second;
    batches_.erase(batches_.begin());
    channel->send_batch(*context_);
  }
  arm_batches();
}

// Before it is due.
void Channels::send_batch(Channel& channel) {
  if (!channel.has_batch()) return;
  std::erase_if(batches_, [&channel](const auto& batch) { return batch.second == &channel; });
  channel.send_batch(*context_);
  arm_batches();
}

void Channels::send_all() {
  for (const auto& [due, channel] : std::exchange(batches_, {})) channel->send_batch(*context_);
  arm_batches();
  while (is_under_way()) go_on();
}

// ---- for the bus ----------------------------------------------------------------------------------------------------

std::size_t Channels::deliver(const Publication& publication) {
  Channel* const channel = find_channel(publication.channel);
  if (channel == nullptr) return 0;
  const bool had_batch = channel->has_batch();
  const std::size_t taken = channel->deliver(publication, *context_);
  if (channel->is_batch_full()) channel->send_batch(*context_);
  if (channel->has_batch() == had_batch) return taken;
  if (had_batch) {
    std::erase_if(batches_, [channel](const auto& batch) { return batch.second == channel; });
  } else {
    const auto wait = static_cast<std::uint64_t>(channel->options().batch.count());
    batches_.emplace(context_->now_ms() + wait, channel);
  }
  arm_batches();
  return taken;
}

void Channels::handle_join_answer(const JoinAnswer& answer) {
  ClientConnection* const subscriber = find(answer.connection);
  if (subscriber == nullptr) return;  // its leave is on its way to the home
  Memberships& memberships = subscriber->memberships();
  const auto membership = find_membership(memberships, answer.channel);
  if (membership == memberships.end()) {
    // Where homes change, a join may be asked of both, and accepted by the second when the first has refused it.
    if (answer.accepted) bus_->leave(answer.channel, answer.connection);
    return;
  }
  // It has asked anew since; or nothing is open, and the second home that was asked knows it by a name that the first
  // has refused.
  const bool is_second_thought = membership->question == 0 && answer.accepted && membership->name != answer.name;
  if (membership->question != answer.question && !is_second_thought) return;
  const std::string name = is_second_thought ? std::string(answer.name) : std::exchange(membership->asked_name, {});
  membership->question = 0;
  if (answer.accepted) {
    membership->name = name;
    join(*subscriber, *membership->channel);
  } else if (membership->joined) {
    membership->name = answer.name;  // another that it wanted before this may have been granted
  } else {
    bus_->leave(answer.channel, answer.connection);  // what it asked before this may have been granted
    drop(*subscriber, static_cast<std::size_t>(membership - memberships.begin()));
  }
  if (!subscriber->is_open()) return;
  const Subscription subscription{.channel = answer.channel,
                                  .name = name,
                                  .accepted = answer.accepted,
                                  .members = answer.members,
                                  .member_count = answer.member_count,
                                  .history = answer.history,
                                  .history_lost = answer.history_lost};
  if (app_.subscribed(*subscriber, subscription) == AppHost::Outcome::threw) {
    subscriber->close(protocol::close_code::internal_error, {});
  }
}

void Channels::handle_member_joined(std::string_view channel, const Member& member, std::size_t count) {
  app_.member_joined(context_->worker, channel, member, count);
}

void Channels::handle_member_left(std::string_view channel, const Member& member, std::size_t count) {
  app_.member_left(context_->worker, channel, member, count);
}

void Channels::handle_members(std::string_view channel, const std::vector<Member>& members) {
  app_.members(context_->worker, channel, members);
}

std::size_t Channels::count_subscribers(std::string_view channel) const {
  const Channel* const found = find_channel(channel);
  return found == nullptr ? 0 : found->subscriber_count();
}

void Channels::for_each_channel(const std::function<void(std::string_view, std::size_t)>& visit) const {
  for (const auto& [name, channel] : channels_) visit(name, channel->subscriber_count());
}

void Channels::for_each_member(const std::function<void(const LocalMember&)>& visit) const {
  for (const ClientConnection& connection : connections_) {
    const Memberships* const memberships = connection.memberships_if_any();
    if (memberships == nullptr) continue;
    for (const Membership& one : *memberships) {
      if (one.channel->is_kept()) {
        visit({one.channel->name(), connection.id(), one.name, one.joined, one.question, one.asked_name});
      }
    }
  }
}

std::optional<SendResult> Channels::send_here(ConnectionId id, std::string_view data, MessageType type) {
  ClientConnection* const connection = find(id);
  if (connection == nullptr || !connection->is_open()) return std::nullopt;
  return connection->send(data, type);
}

bool Channels::close_here(ConnectionId id, std::uint16_t code, std::string_view reason) {
  ClientConnection* const connection = find(id);
  if (connection == nullptr || !connection->is_open()) return false;
  connection->close(code, reason);
  return true;
}

ConnectionReport Channels::describe_here(ConnectionId id) const {
  const ClientConnection* const connection = find(id);
  if (connection == nullptr || !connection->is_open()) return {};
  ConnectionReport report{.found = true,
                          .partial = false,
                          .slot = context_->worker.slot(),
                          .remote_address = std::string(connection->remote_address()),
                          .path = std::string(connection->request().path()),
                          .subprotocol = std::string(connection->subprotocol()),
                          .age_ms = connection->age_ms(),
                          .idle_ms = connection->idle_ms(),
                          .buffered_bytes = connection->buffered_bytes(),
                          .traffic = connection->traffic(),
                          .deflate = connection->has_deflate(),
                          .tls = connection->tls(),
                          .channels = {}};
  if (const Memberships* const memberships = connection->memberships_if_any()) {
    for (const Membership& membership : *memberships) report.channels.push_back(membership.channel->name());
  }
  return report;
}

// ---- from one worker to another -------------------------------------------------------------------------------------

std::vector<SubscriptionState> Channels::save(const ClientConnection& subscriber) {
  std::vector<SubscriptionState> subscriptions;
  const Memberships* const memberships = subscriber.memberships_if_any();
  if (memberships == nullptr) return subscriptions;
  for (const Membership& membership : *memberships) {
    subscriptions.push_back({.channel = membership.channel->name(),
                             .name = membership.name,
                             .question = membership.question,
                             .asked_name = membership.asked_name,
                             .joined = membership.joined,
                             .kept = membership.channel->is_kept()});
  }
  return subscriptions;
}

void Channels::hand_over() {
  batches_.clear();
  arm_batches();
  channels_.clear();
}

// The other slots know already that this one is interested. What this generation's App::channels says of a channel may
// be new, though.
void Channels::restore(ClientConnection& subscriber, const std::vector<SubscriptionState>& subscriptions) {
  for (const SubscriptionState& state : subscriptions) {
    auto& channel = channels_[state.channel];
    if (channel == nullptr) channel = make_channel(state.channel);
    subscriber.memberships().push_back({.channel = channel.get(),
                                        .name = state.name,
                                        .position = 0,
                                        .question = state.question,
                                        .asked_name = state.asked_name,
                                        .joined = false});
    ++channel->joining;
    if (state.joined || !channel->is_kept()) join(subscriber, *channel);
    if (channel->is_kept() && !state.kept) bus_->rejoin(state.channel, subscriber.id(), state.name);
  }
}

}  // namespace wsd::worker
