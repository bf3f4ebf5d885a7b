// What a master and its worker say to each other over their record socket: tagged records (protocol/record.h), so that
// a master of the next release still understands a worker of this one.

#pragma once

#include <cstdint>

#include "protocol/record.h"

namespace wsd::worker {

// Record types. Never reuse a number.
enum class MasterOrder : std::uint16_t {
  serve = 1,    // accept from this slot's sockets too, the descriptors that come along: fields slot, kinds, proxied
  release = 2,  // close your copies of this slot's sockets, then answer `released`
  drain = 3,    // no new clients; Close `close_code` to each, spread over `window_ms`; leave when the last is gone
  leave = 4,    // Close 1001 to each at once; leave when the last is gone, or after the stop timeout
  refuse = 5,   // nobody has room: accept though full, and answer 503
  hand_over =
      7,  // to the slot's old worker: give your connections to your successor over the descriptor that comes along
  take_over = 8,       // to its successor: take them from the descriptor that comes along
  begin_to_serve = 9,  // to a successor whose predecessor is dead: serve, with what came of it if that was whole
  stop_refusing = 6,   // somebody has room again: leave the sockets alone while full
  bus_link = 10,       // field slot: of the peer that the stream socket that comes along leads to; replaces the link to
                       // that slot, if there is one
  bus_complete = 11,   // field homes: every worker that is on the bus has a link to you now, but for those of the slots
                       // in fields slot, which get it at the end of their handoff. Told again when the number of homes
                       // changes
  publish = 12,        // fields channel, data, binary, question: publish it, then answer `published`
  reopen = 14,         // fields files, question: write to the files that come along, then answer `reopened`
  list_connections = 13,  // fields filter, question: answer `connections`
  end_relay = 15,  // fields relay, window_ms: tell the clients whose TLS this process keeps to reconnect, spread over
                   // that time
};

enum class WorkerReport : std::uint16_t {
  ready = 101,           // the app has started, clients are accepted
  cannot_start = 102,    // field reason; exit code cannot_start follows
  released = 103,        // field slot: told after every closing of a slot's sockets
  full = 104,            // at the descriptor ceiling: accepts nothing more for now
  has_room = 105,        // accepts again on all it holds
  took_over = 106,       // fields connections, pause_us: it has them, and serves
  handoff_failed = 107,  // field reason: the old worker goes on as before
  published = 109,       // fields question, delivered_to, partial: what became of it
  connections = 111,     // field question: rows of connection_row.h are in the memfd that comes along; without one
                         // there was no memory
  relays = 110,          // of a worker in the middle of a handoff: when it is done, it stays and keeps TLS for others
  reopened = 112,        // fields question, reason: of reopen; no reason: it writes to the new files
  joins_bus = 108,       // it has no links and wants them: told by whoever did not get its predecessor's in a handoff
};

enum class MasterField : protocol::Tag {
  slot = 1,
  close_code = 2,
  window_ms = 3,
  reason = 4,
  connections = 6,
  pause_us = 7,        // from the last thing the old worker did to the first the new one did
  retire = 5,          // of drain: 1 if the slot's sockets are about to be closed for good
  kinds = 14,          // of serve: a character of SocketKind for each descriptor; absent: all are websocket
  relay_time_ms = 16,  // of hand_over: after which clients whose TLS is relayed are told to reconnect; absent: never
  proxied = 17,        // of serve: a 1 for each descriptor whose connections begin with a PROXY header, else a 0
  homes = 8,           // slots [0, homes) are the homes of channels
  channel = 9,
  data = 10,
  binary = 15,    // 1 if it is a binary message
  question = 11,  // a number, which the answer repeats
  delivered_to = 12,
  files = 21,    // of reopen: a character of LogOutput (log_outputs.h) for each descriptor
  filter = 18,   // of list_connections: connection_filter.h
  relay = 27,    // of end_relay: the incarnation of the process
  partial = 13,  // 1 if a worker did not answer in time
};

constexpr protocol::Tag tag(MasterField field) {
  return static_cast<protocol::Tag>(field);
}

inline protocol::RecordWriter record_of(MasterOrder order) {
  return protocol::RecordWriter(static_cast<std::uint16_t>(order));
}

inline protocol::RecordWriter record_of(WorkerReport report) {
  return protocol::RecordWriter(static_cast<std::uint16_t>(report));
}

}  // namespace wsd::worker
