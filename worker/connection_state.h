// All that makes up a live connection besides its socket, as a worker gives it to its successor.
//
// Serialized as a tagged record (protocol/record.h): a field that a reader does not know is skipped, one that is absent
// has its default, so a worker of the next release takes over from one of this. Times are milliseconds of
// CLOCK_MONOTONIC, the same for every process of the machine.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/permessage_deflate.h"
#include "protocol/record.h"
#include "worker/tls_protocol.h"
#include "worker/traffic.h"

namespace wsd::worker {

// That the connection takes part in a channel (membership.h).
struct SubscriptionState {
  std::string channel;
  std::string name;
  std::uint64_t question = 0;  // of a join that has no answer yet
  std::string asked_name;
  bool joined = false;
  bool kept = false;  // the channel's home knows of it, or is being asked

  bool operator==(const SubscriptionState&) const = default;
};

struct ConnectionState {
  // The numbers are on the wire: never reuse one.
  enum class Phase : std::uint8_t {
    opening = 1,    // the request head is not complete
    open = 2,       // messages flow
    closing = 3,    // our Close is sent, or in the queue; waiting for the peer's
    lingering = 4,  // nothing more will be read into meaning: our last bytes leave, then the peer's end is awaited
    gone = 5,       // no descriptor any more; never saved
  };

  ConnectionId id = 0;
  Phase phase = Phase::opening;
  std::string remote_address;
  std::vector<std::byte> head;    // the request, whole; empty while opening
  std::vector<std::byte> input;   // received, and not yet come to a request or a message: to be taken first
  std::vector<std::byte> output;  // not yet taken by the kernel; may begin inside a frame
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<SubscriptionState> subscriptions;
  std::optional<protocol::DeflateParameters> deflate;  // if permessage-deflate was agreed on
  std::vector<std::byte> inflate_window;               // what the peer's next message may refer to
  Traffic traffic;
  TlsProtocol tls = TlsProtocol::none;  // that a relay keeps

  bool visible = false;      // on_open was called and on_close was not
  bool paused = false;       // by pause_receive()
  bool full = false;         // on_buffer_full was told and nothing has drained since
  bool clean = false;        // both sides sent a Close frame
  bool peer_closed = false;  // nothing more comes from the peer
  std::uint16_t close_code = 1006;
  std::string close_reason;

  std::uint64_t due_ms = 0;        // of the deadline of its phase
  std::uint64_t relay_end_ms = 0;  // when the relay of its TLS ends (relay_ends.h); 0: never, or there is none
  std::uint32_t relay = 0;         // the incarnation of the process that keeps its TLS; 0: there is none, or an old one
  std::uint64_t opened_ms = 0;
  std::uint64_t last_message_ms = 0;
  std::uint32_t last_ping_ms = 0;
  std::uint32_t message_begun_ms = 0;
  std::uint8_t missed_pings = 0;
  std::uint8_t closed_by = 0;  // access_log.h

  bool operator==(const ConnectionState&) const = default;
};

// As the fields of a record of type `connection_record`.
inline constexpr std::uint16_t connection_record = 201;
[[nodiscard]] protocol::RecordWriter encode(const ConnectionState& state);
// Nothing if the record is of another type, or lacks what no connection can be without: id, phase.
[[nodiscard]] std::optional<ConnectionState> decode_connection(std::span<const std::byte> record);

}  // namespace wsd::worker
