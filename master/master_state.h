// Everything a master is besides its code, as it passes it to the binary that replaces it (`wsd upgrade`): a tagged
// record (protocol/record.h) in a memfd, and the numbers of the descriptors that stay open across exec.
//
// Read by the next release's binary, so tags are never reused and absent fields have defaults.

#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "master/options.h"
#include "master/status_page.h"
#include "master/supervision.h"
#include "protocol/record.h"
#include "worker/socket_kind.h"
#include "worker/tls_material.h"

namespace wsd::master {

struct MasterState {
  struct Plan {
    Generation generation = 0;
    std::string options;  // JSON
    int module = -1;      // the app's code, if it is not built in
    std::string api_token = {};
    worker::TlsMaterial tls = {};
    int access_log = -1;           // several generations may have the same one
    std::string environment = {};  // JSON of options that the environment gave
    std::string flags = {};        // JSON of options that command lines gave; empty: the release before knew none of it
    Settings settings = {};        // of the app, also those that are in files
    bool operator==(const Plan&) const = default;
  };
  struct Address {
    std::string asked;
    std::string real;
    std::vector<int> sockets;  // by slot
    worker::SocketKind kind = worker::SocketKind::websocket;
    bool operator==(const Address&) const = default;
  };
  struct Worker {
    WorkerKey key = 0;
    pid_t pid = -1;
    Slot slot = 0;
    Generation generation = 0;
    int link = -1;
    std::size_t row = 0;
    bool current = false;  // else it relays or drains
    bool relaying = false;
    std::vector<Slot> serves;  // its own and neighbours' slots that it was given
    bool on_bus = false;       // it has links to the others (bus_pairs.h)
    unsigned board = 0;        // where its row is: 0 on the scoreboard, n on the nth of the older ones
    bool operator==(const Worker&) const = default;
  };

  std::string program;  // the binary's path, as it was started
  Generation last_generation = 1;
  Generation wanted_generation = 1;
  WorkerKey last_key = 0;
  unsigned homes = 0;         // of channels (bus_pairs.h); 0: the release before knew none
  std::string ticket_secret;  // of TLS; empty: the release before had none
  std::vector<Plan> plans;
  std::vector<Address> addresses;
  std::vector<int> inherited;  // listening sockets that a service manager opened for us
  std::vector<Worker> workers;
  int scoreboard = -1;
  std::uint32_t scoreboard_version = 0;
  std::vector<int> older_scoreboards;  // that some of the workers write on
  Counters folded;                     // of processes that are gone and are not in the scoreboard's totals
  std::vector<ExitCount> exits;
  int lock = -1;
  int log = -1;
  int control = -1;
  int address_tables = -1;        // worker/address_tables.h, if there are limits per address
  int waiting_client = -1;        // who asked for the upgrade and hears of its end
  std::uint64_t signal_mask = 0;  // bit n - 1: signal n was blocked when the server was started
  std::int64_t started_at_s = 0;  // of the epoch
  std::int64_t started_ns = 0;    // CLOCK_MONOTONIC

  // All that must stay open across exec.
  [[nodiscard]] std::vector<int> descriptors() const;

  bool operator==(const MasterState&) const = default;
};

[[nodiscard]] protocol::RecordWriter encode(const MasterState& state);
// Nothing if the bytes are no such record.
[[nodiscard]] std::optional<MasterState> decode_master_state(std::span<const std::byte> bytes);

}  // namespace wsd::master
