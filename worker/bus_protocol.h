// What the workers of a machine say to one another over their links: tagged records (protocol/record.h), each behind
// its length (bus_link.h). During an upgrade a worker of the next release understands one of this.

#pragma once

#include <cstdint>

#include "protocol/record.h"

namespace wsd::worker {

// Record types. Never reuse a number.
enum class BusWord : std::uint16_t {
  // On a fresh link each side tells its interest and its members, then `synced`.
  interest = 301,  // channel, on: this slot has subscribers of it now, or none any more
  synced = 302,

  publish = 303,    // a plain channel's message, to a slot that is interested
  sequence = 304,   // a kept channel's, from its origin to the home: number
  sequenced = 305,  // the same from the home to the slots that are interested: origin, number
  ack = 306,        // from the home to the origin: it has passed on all up to number
  moved = 307,      // from a slot that is not the channel's home any more: number is to go to the new one

  join = 310,           // channel, connection, name, question, homes
  rejoin = 311,         // channel, connection, name, homes: it is a member already, by its slot's account
  leave = 312,          // channel, connection
  join_answer = 313,    // what JoinAnswer says
  member_joined = 314,  // channel, connection, name, count
  member_left = 315,
  members = 316,  // channel, members: the list anew

  send = 320,   // connection, type, data; question if the outcome matters
  close = 321,  // connection, code, reason; question likewise

  ask_count = 330,  // question, channel
  ask_members = 331,
  ask_list = 332,        // question, prefix
  ask_connection = 333,  // question, connection
  answer = 334,          // question, and what was asked for
  expect = 335,          // question, slots: so many will answer it, you did not ask them yourself

  homes_changed = 340,  // homes: from here on this slot goes by that number
  home_state = 341,     // a channel's home (channel_home.h), from the old one to the new one; homes
};

enum class BusField : protocol::Tag {
  channel = 1,
  on = 2,
  type = 3,
  data = 4,
  publisher = 5,
  excluded = 6,  // repeated
  question = 7,
  number = 8,
  origin = 9,  // a slot
  connection = 10,
  name = 11,
  accepted = 12,
  member_id = 13,  // repeated, each with its member_name
  member_name = 14,
  count = 15,
  past_type = 16,  // repeated, each with its past_publisher and past_data
  past_publisher = 17,
  past_data = 18,
  history_lost = 19,
  code = 20,
  reason = 21,
  slots = 22,
  found = 23,
  result = 24,
  listed_name = 25,  // repeated, each with its listed_count
  listed_count = 26,
  slot = 27,
  remote_address = 28,
  path = 29,
  subprotocol = 30,
  age_ms = 31,
  idle_ms = 32,
  buffered_bytes = 33,
  listed_channel = 34,  // repeated
  homes = 35,
  has_presence = 36,
  partial = 37,
  messages_in = 40,
  messages_out = 41,
  bytes_in = 42,
  bytes_out = 43,
  deflate = 44,
  tls = 45,
  published_ns = 46,  // of a publication that is measured, with its weight
  weight = 47,
};

[[nodiscard]] constexpr protocol::Tag tag(BusField field) {
  return static_cast<protocol::Tag>(field);
}

[[nodiscard]] inline protocol::RecordWriter bus_record(BusWord word) {
  return protocol::RecordWriter(static_cast<std::uint16_t>(word));
}

}  // namespace wsd::worker
