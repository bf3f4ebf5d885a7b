// One channel as far as this worker is concerned: those of its connections that are subscribed, what waits for them in
// a batch, and what is on its way to them.
//
// A few subscribers get a message at once. Where there are many, it is logged, and they get it some hundred a turn, in
// rounds: each time its turn comes a subscriber gets all that was published since, in one send, and between the turns
// other clients are served (docs/decisions/0011-a-large-fan-out-takes-turns.md).
//
// Lives in the table of channels.h as long as a connection takes part or is about to.

#pragma once

#include <wsd/channel.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/bus.h"
#include "worker/publication.h"
#include "worker/publication_log.h"
#include "worker/shared_message.h"

namespace wsd::worker {

class ClientConnection;
struct ConnectionContext;

class Channel {
 public:
  // `options` outlive it. `number`: no other channel of this worker ever has the same.
  Channel(std::string_view name, std::uint64_t number, const ChannelOptions& options)
      : name_(name), number_(number), options_(options) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const ChannelOptions& options() const { return options_; }
  [[nodiscard]] bool is_kept() const { return worker::is_kept(options_); }

  [[nodiscard]] std::size_t subscriber_count() const { return subscribers_.size(); }
  // At the end; its position is the last one. It gets what is published from here on.
  std::uint32_t add(ClientConnection& subscriber);
  // The last one takes its position: returns that one, or null if there is none at it any more.
  ClientConnection* remove(std::uint32_t position);

  // Subscribers that are open no more, and get nothing.
  std::size_t ending = 0;

  // Connections whose join is not answered yet. They count as being here, and get nothing.
  std::size_t joining = 0;
  [[nodiscard]] bool is_empty() const { return subscribers_.empty() && joining == 0; }

  // To each subscriber that is open and meant. How many queues took it, or will when it is their turn.
  std::size_t deliver(const Publication& publication, ConnectionContext& context);

  // Somebody may not have got all that is logged.
  [[nodiscard]] bool is_under_way() const { return !log_.empty(); }
  // Subscribers whose turn it is get what is logged and they have not got. It leaves, and what this turn has for others
  // leaves with it. Calls no application.
  void go_on(ConnectionContext& context);
  // The subscriber at `position` gets it now, since something else is about to follow.
  void catch_up(std::uint32_t position) { catch_up(subscribers_[position]); }

  [[nodiscard]] bool has_batch() const { return !batch_.empty(); }
  // Whether the batch is so large that it should not wait.
  [[nodiscard]] bool is_batch_full() const { return batch_size_ >= full_batch; }
  void send_batch(ConnectionContext& context);

 private:
  static constexpr std::size_t full_batch = 256 * 1024;

  // One that gets messages.
  struct Subscriber {
    ClientConnection* connection;
    std::uint64_t next;  // of the log
  };

  struct Waiting {
    std::string data;
    MessageType type;
    std::vector<ConnectionId> excluded;
  };

  std::size_t send(const Publication& publication, ConnectionContext& context);
  std::size_t send_at_once(SharedMessage& message, const Publication& publication);
  [[nodiscard]] bool send_run(Subscriber& subscriber);
  void catch_up(Subscriber& subscriber);
  void add_to_batch(const Publication& publication);
  void send_array(const std::vector<Waiting>& batch, ConnectionContext& context);
  [[nodiscard]] std::size_t count_open(const Publication& publication, const ConnectionContext& context) const;

  const std::string name_;
  const std::uint64_t number_;
  const ChannelOptions& options_;
  std::vector<Subscriber> subscribers_;
  PublicationLog log_;
  std::size_t round_position_ = 0;  // of the subscriber whose turn is next
  std::uint64_t round_end_ = 0;     // of the log, when the round began: at its end everybody has got so far
  std::vector<Waiting> batch_;
  std::size_t batch_size_ = 0;  // bytes
};

}  // namespace wsd::worker
