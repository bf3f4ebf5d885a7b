// Channels: names that connections subscribe to, on whichever worker they are.
//
// A channel needs no making: it is there while somebody is subscribed to it. Groups, users ("uid/alice") and topics are
// all channels. By default a channel carries messages and remembers nothing; App::channels says which ones keep more.

#pragma once

#include <wsd/message.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wsd {

// What happens to a message for a subscriber whose send queue is full. The others never wait for it, and what is
// dropped is counted (send_dropped in `wsd status`).
enum class SlowConsumer : std::uint8_t {
  drop_newest,  // the message that has no room
  drop_oldest,  // of this channel's messages in the queue, the oldest: for streams whose latest counts (danmaku)
  close,        // the subscriber itself, with Close 1013: it comes back and catches up (chat)
};

// What the channels under one prefix of App::channels keep and do. Every worker of a generation has the same ones.
struct ChannelOptions {
  SlowConsumer slow_consumer = SlowConsumer::drop_newest;
  // Messages of this long leave together: text messages as one JSON array of them, in order, so each must be a JSON
  // text itself. Binary ones leave at once. 0: nothing waits.
  std::chrono::milliseconds batch{0};
  // With a batch: only its last message leaves, as it is. For values that replace one another.
  bool newest_only = false;
  // How many of the latest messages a new subscriber gets (App::on_subscribed). Kept while somebody is subscribed, and
  // for an hour after the last has gone.
  std::size_t history = 0;
  // Members are known by id and name; App::on_join and App::on_leave tell of them.
  bool presence = false;
  // With presence: a name that is not empty belongs to one member at a time, on the whole machine.
  bool unique_names = false;
  // With presence: how many members a new one is told of at most; how many there are it always learns.
  std::size_t listed_members = 1000;
};

// A connection that is subscribed to a channel with presence.
struct Member {
  ConnectionId id = 0;
  std::string_view name;  // as given to subscribe(); may be empty
};

// One message of a channel's history.
struct PastMessage {
  std::string_view data;
  MessageType type = MessageType::text;
  ConnectionId publisher = 0;  // 0: a worker or another program
};

// How a subscription to a channel with history or presence went. Its views die with the callback it was given to.
struct Subscription {
  std::string_view channel;
  std::string_view name;
  bool accepted = true;                  // false: the name is another member's, and there is no subscription
  std::span<const Member> members;       // of a channel with presence: those on this machine, this one included
  std::size_t member_count = 0;          // all of them, also where `members` lists fewer
  std::span<const PastMessage> history;  // oldest first; what comes after it is delivered, nothing twice
  bool history_lost = false;             // a crash has cost some of the history that should be here
};

// What became of a message that was published to a channel.
struct Delivery {
  std::size_t subscribers = 0;  // whose queues took it
  bool partial = false;         // a worker did not answer within 500 ms: there may be more
};

// What Worker::ask_channel() found out.
struct ChannelInfo {
  std::string_view channel;
  std::size_t subscribers = 0;      // on this machine
  std::span<const Member> members;  // of a channel with presence
  bool partial = false;             // a worker did not answer within 500 ms
};

}  // namespace wsd
