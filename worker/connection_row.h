// A line of `wsd connections`: what a worker tells of one of its connections.
//
// Workers write them into a memfd, each as a tagged record (protocol/record.h) behind its length, and the command reads
// that: a field that it does not know is skipped, one that is absent has its default.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "worker/tls_protocol.h"
#include "worker/traffic.h"

namespace wsd::worker {

struct ConnectionRow {
  // The numbers are on the wire: never reuse one.
  enum class State : std::uint8_t {
    opening = 1,  // the request is not whole
    open = 2,
    paused = 3,   // open, and the application does not want to read for now
    closing = 4,  // our Close is sent, or in the queue
    ending = 5,   // the last bytes leave
  };

  ConnectionId id = 0;
  std::uint32_t slot = 0;
  std::string remote;
  std::string path;
  std::string subprotocol;
  std::uint64_t age_ms = 0;   // since it was opened
  std::uint64_t idle_ms = 0;  // since its last message
  Traffic traffic;
  std::uint64_t queue = 0;  // bytes that wait for the client
  State state = State::open;
  bool deflate = false;
  TlsProtocol tls = TlsProtocol::none;
  bool relayed = false;  // its TLS is another process's

  bool operator==(const ConnectionRow&) const = default;
};

[[nodiscard]] std::string_view to_string(ConnectionRow::State state);
[[nodiscard]] std::vector<std::string> connection_state_names();
[[nodiscard]] std::optional<ConnectionRow::State> connection_state_from(std::string_view name);

// With its length, behind what is there.
void append(std::vector<std::byte>& bytes, const ConnectionRow& row);
// All of them; nothing if the bytes are something else.
[[nodiscard]] std::optional<std::vector<ConnectionRow>> read_connection_rows(std::span<const std::byte> bytes);

}  // namespace wsd::worker
