// The channels that this worker's connections take part in: who subscribes to what, and what they get.
//
// Between the connections and the applications on one side and the bus on the other. Owned by the server; outlives
// every connection. Deferred like everything else: no call from an application calls one back.

#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "worker/app_host.h"
#include "worker/bus.h"
#include "worker/channel.h"
#include "worker/connection_table.h"
#include "worker/loop.h"
#include "worker/text_hash.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

struct ConnectionContext;
struct SubscriptionState;

class Channels final : public BusClient {
 public:
  // All three outlive it.
  Channels(Loop& loop, AppHost& app, const ConnectionTable& connections);
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;
  // Both outlive every call but these; said once, before anything else is.
  void connect(Bus& bus, ConnectionContext& context);

  // ---- for connections. Those that take a channel's name throw std::invalid_argument where that is not a proper one.
  void subscribe(ClientConnection& subscriber, std::string_view channel, std::string_view name);
  void unsubscribe(ClientConnection& subscriber, std::string_view channel);
  [[nodiscard]] bool is_subscribed(const ClientConnection& subscriber, std::string_view channel) const;
  SendResult publish(const ClientConnection& publisher, std::string_view channel, std::string_view data,
                     MessageType type);
  // It is still open, and will not be.
  static void note_ending(const ClientConnection& subscriber);
  // It is over.
  void leave_all(ClientConnection& subscriber);
  // It gets what its channels have under way, since it is about to be sent something else.
  static void catch_up(const ClientConnection& subscriber);

  // ---- for the worker and for other programs
  SendResult publish(std::string_view channel, std::string_view data, MessageType type, Bus::TellDelivery tell = {});
  SendResult deliver_here(std::string_view channel, std::string_view data, MessageType type);
  // Its messages go to a part of its subscribers in each turn, until all have got them.
  void begin_rounds(Channel& channel);
  // Some channel's do.
  [[nodiscard]] bool is_under_way() const { return !under_way_.empty(); }
  // Whether a connection is open and one of the channel's subscribers.
  [[nodiscard]] bool gets_messages(ConnectionId id, std::string_view channel) const;

  // ---- from one worker to another
  [[nodiscard]] static std::vector<SubscriptionState> save(const ClientConnection& subscriber);
  void restore(ClientConnection& subscriber, const std::vector<SubscriptionState>& subscriptions);
  // What waits in batches, or is under way, leaves now.
  void send_all();
  [[nodiscard]] bool has_waiting() const { return !batches_.empty() || is_under_way(); }
  // The connections are another worker's: nobody is subscribed here any more.
  void hand_over();

  // ---- for the bus
  std::size_t deliver(const Publication& publication) override;
  void handle_join_answer(const JoinAnswer& answer) override;
  void handle_member_joined(std::string_view channel, const Member& member, std::size_t count) override;
  void handle_member_left(std::string_view channel, const Member& member, std::size_t count) override;
  void handle_members(std::string_view channel, const std::vector<Member>& members) override;
  [[nodiscard]] const ChannelOptions& options_of(std::string_view channel) const override;
  [[nodiscard]] std::size_t count_subscribers(std::string_view channel) const override;
  void for_each_channel(const std::function<void(std::string_view, std::size_t)>& visit) const override;
  void for_each_member(const std::function<void(const LocalMember&)>& visit) const override;
  std::optional<SendResult> send_here(ConnectionId id, std::string_view data, MessageType type) override;
  bool close_here(ConnectionId id, std::uint16_t code, std::string_view reason) override;
  [[nodiscard]] ConnectionReport describe_here(ConnectionId id) const override;

 private:
  // Null if it is gone; it may be closing.
  [[nodiscard]] ClientConnection* find(ConnectionId id) const;
  [[nodiscard]] Channel* find_channel(std::string_view name) const;
  Channel& channel_for(std::string_view name);
  void join(ClientConnection& subscriber, Channel& channel);
  void drop(ClientConnection& subscriber, std::size_t index);
  void forget_if_empty(Channel& channel);

  [[nodiscard]] std::unique_ptr<Channel> make_channel(std::string_view name);
  void go_on();
  void send_batch(Channel& channel);
  void arm_batches();
  void batches_due();

  AppHost& app_;
  const ConnectionTable& connections_;
  Bus* bus_ = nullptr;
  ConnectionContext* context_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<Channel>, TextHash, std::equal_to<>> channels_;
  std::uint64_t last_channel_ = 0;                        // its number
  std::set<std::pair<std::uint64_t, Channel*>> batches_;  // when each is due, in milliseconds of the loop's clock
  UvHandle<uv_timer_t> batch_timer_;
  std::vector<Channel*> under_way_;  // they take turns
  UvHandle<uv_idle_t> each_turn_;    // while there are any
};

}  // namespace wsd::worker
