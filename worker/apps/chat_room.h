// Rooms of people who talk: what the apps chat and danmaku have in common (docs/chat-protocol.md).
//
// A room is a channel, "chat/ROOM". Its members are the channel's, and the server keeps them, their names and the
// history, whichever workers they are on. What a connection is in the room is in its attributes, so that a reload keeps
// it: "room" from the handshake on, "name" while it is a member. Each member has a channel of its own,
// "chat-member/ROOM/ID", for what is told to it alone.

#pragma once

#include <wsd/app.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "worker/apps/chat_protocol.h"
#include "worker/token_bucket.h"

namespace wsd::chat {

using worker::Rate;
using worker::TokenBucket;

// What sets the two apps apart.
struct RoomKind {
  std::string_view name;  // channels begin with it: "chat"
  bool has_looks = false;
  ChannelOptions channel;  // of a room
};

// Fills in the callbacks. Throws std::invalid_argument for a setting that is none: "rate", messages of a client per
// second, twice as many in a burst; "max_text", characters.
void serve_rooms(App& app, const RoomKind& kind);

// The rooms as one worker sees them. Each method is the callback of its name.
class Rooms {
 public:
  Rooms(std::string_view kind, const Rules& rules, Rate rate)
      : room_prefix_(std::string(kind) + "/"),
        member_prefix_(std::string(kind) + "-member/"),
        rules_(rules),
        rate_(rate) {}

  void handle_handshake(const Request& request, Handshake& handshake);
  void handle_open(Connection& connection);
  void handle_message(Connection& connection, Message message);
  void handle_close(const Connection& connection) { buckets_.erase(connection.id()); }
  void handle_subscribed(Connection& connection, const Subscription& subscription);
  void handle_join(Worker& worker, std::string_view channel, const Member& member, std::size_t count);
  void handle_leave(Worker& worker, std::string_view channel, const Member& member, std::size_t count);
  void handle_members(Worker& worker, std::string_view channel, std::span<const Member> members);

 private:
  void obey(Connection& connection, const Fault& fault) { connection.send(error(fault)); }
  void obey(Connection& connection, const Join& join);
  void obey(Connection& connection, const Say& say);
  void obey(Connection& connection, const Tell& tell);
  void obey(Connection& connection, const AskMembers&);
  void obey(Connection& connection, const Leave&);

  [[nodiscard]] bool is_too_fast(ConnectionId id);
  [[nodiscard]] std::string room_channel(const Connection& connection) const;
  [[nodiscard]] std::string member_channel(const Connection& connection, ConnectionId member) const;
  void forget(Connection& connection);
  void tell_count(Worker& worker, std::string_view channel, std::size_t count);

  const std::string room_prefix_;
  const std::string member_prefix_;
  const Rules rules_;
  const Rate rate_;
  std::unordered_map<ConnectionId, TokenBucket> buckets_;  // of connections that said anything
  std::unordered_map<std::string, std::size_t> crowds_;    // by channel: how many we last told that there are
};

}  // namespace wsd::chat
