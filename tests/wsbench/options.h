#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/frame.h"
#include "protocol/permessage_deflate.h"
#include "tests/wsbench/clock.h"
#include "tests/wsbench/network_address.h"
#include "tests/wsbench/size_distribution.h"
#include "tests/wsbench/url.h"

namespace wsd::bench {

enum class ModeName : std::uint8_t {
  echo,     // messages that the server answers with themselves
  connect,  // connect, opening handshake, gone, over and over
  churn,    // connect, opening handshake, one echo, closing handshake, over and over
  idle,     // connections that say nothing
  fanout,   // publishers and subscribers of one channel
};
[[nodiscard]] constexpr const char* name_of(ModeName mode) {
  constexpr const char* names[] = {"echo", "connect", "churn", "idle", "fanout"};
  return names[static_cast<std::size_t>(mode)];
}

// What one run is to do.
struct Options {
  ModeName mode = ModeName::echo;
  Url url;
  NetworkAddress address;               // of url
  std::vector<NetworkAddress> sources;  // to connect from, in turn; none: the kernel chooses
  std::size_t connections = 10;
  std::size_t processes = 2;
  Seconds duration{10};
  Seconds warmup{0.5};        // load before the measured time
  Seconds timeout{2};         // an answer that takes longer is counted
  double stay = 0;            // with connect and churn: the share of the connections that stay open, 0 to 1
  std::size_t pipeline = 1;   // messages in flight on each connection
  double rate = 0;            // messages (or new connections) a second on all connections together; 0: a closed loop
  double final_rate = 0;      // to which the rate grows; 0: it stays
  double ramp = 0;            // connections opened a second at most; 0: no limit
  std::size_t at_once = 256;  // handshakes under way at the same time, of all processes together
  SizeDistribution sizes = SizeDistribution::parse("20");
  bool is_binary = false;
  bool greets = false;                               // with --idle: one message is answered on each connection first
  std::string prefix;                                // what the server puts before each answer
  std::string ca_file;                               // whom to believe over TLS; empty: those that the system believes
  bool is_insecure = false;                          // believe anybody
  std::optional<protocol::ContextTakeover> deflate;  // offer permessage-deflate, and insist on it
  std::vector<std::string> subprotocols;             // to offer, and to insist on one of them
  std::vector<std::string> headers;                  // "Name: value", of the opening handshake
  std::size_t publishers = 1;                        // with fanout, beside the connections, which are subscribers
  std::size_t stalled = 0;                           // with fanout: subscribers more that do not read
  std::string reload_command;                        // run by sh in the middle of the load; empty: none
  Seconds reload_every{0};                           // 0: once
  std::vector<pid_t> server_pids;
  bool shows_distribution = false;  // --latency
  bool is_json = false;
  bool waits_for_go = false;

  [[nodiscard]] bool grows() const { return final_rate > 0; }
  // Of all roles.
  [[nodiscard]] std::size_t all_connections() const {
    return mode == ModeName::fanout ? connections + publishers + stalled : connections;
  }
  [[nodiscard]] protocol::Opcode opcode() const {
    return is_binary ? protocol::Opcode::binary : protocol::Opcode::text;
  }
  // What the command closes is opened anew.
  [[nodiscard]] bool reconnects() const { return !reload_command.empty(); }
};

}  // namespace wsd::bench
