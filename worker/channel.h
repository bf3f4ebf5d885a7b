// One channel as far as this worker is concerned: those of its connections that are subscribed, and what waits for
// them in a batch.
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

  [[nodiscard]] const std::vector<ClientConnection*>& subscribers() const { return subscribers_; }
  // At the end; its position is the last one.
  std::uint32_t add(ClientConnection& subscriber);
  // The last one takes its position: returns that one, or null if there is none at it any more.
  ClientConnection* remove(std::uint32_t position);

  // Connections whose join is not answered yet. They count as being here, and get nothing.
  std::size_t joining = 0;
  [[nodiscard]] bool is_empty() const { return subscribers_.empty() && joining == 0; }

  // To each subscriber that is open and meant. How many queues took it, or will when the batch is due.
  std::size_t deliver(const Publication& publication, ConnectionContext& context);

  [[nodiscard]] bool has_batch() const { return !batch_.empty(); }
  // Whether the batch is so large that it should not wait.
  [[nodiscard]] bool is_batch_full() const { return batch_size_ >= full_batch; }
  void send_batch(ConnectionContext& context);

 private:
  static constexpr std::size_t full_batch = 256 * 1024;

  struct Waiting {
    std::string data;
    MessageType type;
    std::vector<ConnectionId> excluded;
  };

  std::size_t send(SharedMessage& message, const Publication& publication);
  void add_to_batch(const Publication& publication);
  void send_array(const std::vector<Waiting>& batch, ConnectionContext& context);
  [[nodiscard]] std::size_t count_open(const Publication& publication) const;

  const std::string name_;
  const std::uint64_t number_;
  const ChannelOptions& options_;
  std::vector<ClientConnection*> subscribers_;
  std::vector<Waiting> batch_;
  std::size_t batch_size_ = 0;  // bytes
};

}  // namespace wsd::worker
