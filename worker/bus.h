// The bus: what workers say to one another, so that a channel is one thing on the whole machine.
//
// An interface, so that the layers above do not know how a message travels: mesh_bus.h connects the workers of one
// machine without any server. Two kinds of channels, told apart by App::channels:
//   - plain ones: a publication goes straight to every slot that has subscribers of the channel;
//   - kept ones, with history or presence: everything about the channel goes by its *home slot*, which puts it in one
//     order, remembers it, and passes it on (design: one truth per channel).
// In both, the messages of one publisher arrive in their order.

#pragma once

#include <wsd/channel.h>
#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/publication.h"
#include "worker/tls_protocol.h"
#include "worker/traffic.h"

namespace wsd::worker {

// Whether a channel is of the second kind.
[[nodiscard]] inline bool is_kept(const ChannelOptions& options) {
  return options.history > 0 || options.presence;
}

// ---- answers to questions; `partial`: a worker did not answer in time, so there may be more

struct ToldOne {
  bool found = false;                       // the connection exists
  SendResult result = SendResult::dropped;  // of send_to
  bool partial = false;                     // not found means nothing then
};

struct ChannelCount {
  std::string name;
  std::size_t subscribers = 0;
};

struct ChannelList {
  std::vector<ChannelCount> channels;  // by name
  bool partial = false;
};

struct NamedMember {
  ConnectionId id = 0;
  std::string name;
};

struct ChannelReport {
  std::size_t subscribers = 0;  // none: there is no such channel, so far as is known
  bool has_presence = false;
  std::vector<NamedMember> members;  // with presence
  bool partial = false;
};

struct ConnectionReport {
  bool found = false;
  bool partial = false;
  unsigned slot = 0;
  std::string remote_address;
  std::string path;
  std::string subprotocol;
  std::uint64_t age_ms = 0;
  std::uint64_t idle_ms = 0;  // since its last message
  std::size_t buffered_bytes = 0;
  Traffic traffic;
  bool deflate = false;  // permessage-deflate was agreed on
  TlsProtocol tls = TlsProtocol::none;
  std::vector<std::string> channels;
};

// The answer of a channel's home to a connection that wants to join. Views live as long as the call.
struct JoinAnswer {
  std::string_view channel;
  ConnectionId connection = 0;
  std::uint64_t question = 0;
  bool accepted = false;
  std::string_view name;  // that it is a member by, whether that is what it wanted or not
  std::vector<Member> members;
  std::size_t member_count = 0;
  std::vector<PastMessage> history;
  bool history_lost = false;
};

// What the bus asks of the worker it is in. Called from the loop, never from within a call to the bus; implemented by
// channels.h.
class BusClient {
 public:
  // To this worker's subscribers. How many queues took it.
  virtual std::size_t deliver(const Publication& publication) = 0;
  virtual void handle_join_answer(const JoinAnswer& answer) = 0;
  virtual void handle_member_joined(std::string_view channel, const Member& member, std::size_t count) = 0;
  virtual void handle_member_left(std::string_view channel, const Member& member, std::size_t count) = 0;
  virtual void handle_members(std::string_view channel, const std::vector<Member>& members) = 0;

  [[nodiscard]] virtual const ChannelOptions& options_of(std::string_view channel) const = 0;
  [[nodiscard]] virtual std::size_t count_subscribers(std::string_view channel) const = 0;
  // Each channel that has subscribers here, or connections that wait to join it.
  virtual void for_each_channel(
      const std::function<void(std::string_view channel, std::size_t subscribers)>& visit) const = 0;
  // Each time that a connection of ours takes part in a kept channel, or wants to.
  struct LocalMember {
    std::string_view channel;
    ConnectionId id = 0;
    std::string_view name;
    bool joined = false;
    std::uint64_t question = 0;   // of a join that has no answer yet; 0: there is none
    std::string_view asked_name;  // of that join
  };
  virtual void for_each_member(const std::function<void(const LocalMember&)>& visit) const = 0;

  // Nothing if there is no such connection.
  virtual std::optional<SendResult> send_here(ConnectionId id, std::string_view data, MessageType type) = 0;
  virtual bool close_here(ConnectionId id, std::uint16_t code, std::string_view reason) = 0;
  [[nodiscard]] virtual ConnectionReport describe_here(ConnectionId id) const = 0;

 protected:
  ~BusClient() = default;
};

class Bus {
 public:
  virtual ~Bus() = default;

  // This worker has subscribers of the channel now, or has none any more.
  virtual void set_interest(std::string_view channel, bool interested) = 0;

  // To every subscriber on the machine. `dropped`: a slot that has subscribers does not get it, since what waits for
  // it is at its limit. `tell`, if any, is called once, later, within 500 ms.
  using TellDelivery = std::function<void(const Delivery&)>;
  virtual SendResult publish(const Publication& publication, TellDelivery tell = {}) = 0;

  // ---- kept channels
  // The home answers by handle_join_answer() with the question's number, which this returns.
  virtual std::uint64_t join(std::string_view channel, ConnectionId id, std::string_view name) = 0;
  // A member already, by another's account: the home is told, and answers nothing.
  virtual void rejoin(std::string_view channel, ConnectionId id, std::string_view name) = 0;
  virtual void leave(std::string_view channel, ConnectionId id) = 0;

  // ---- one connection, wherever it is. `tell`, if any, is called once, later, within 500 ms.
  using TellOne = std::function<void(const ToldOne&)>;
  virtual SendResult send_to(ConnectionId id, std::string_view data, MessageType type, TellOne tell = {}) = 0;
  virtual void close_connection(ConnectionId id, std::uint16_t code, std::string_view reason, TellOne tell = {}) = 0;

  // ---- questions; each is answered once, later, within 500 ms
  using TellChannel = std::function<void(const ChannelReport&)>;
  virtual void ask_channel(std::string_view channel, TellChannel tell) = 0;
  using TellChannels = std::function<void(const ChannelList&)>;
  virtual void list_channels(std::string_view prefix, TellChannels tell) = 0;
  using TellConnection = std::function<void(const ConnectionReport&)>;
  virtual void ask_connection(ConnectionId id, TellConnection tell) = 0;
};

}  // namespace wsd::worker
