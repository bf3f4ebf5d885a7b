// Everything that crosses fork from the master to a worker, in one struct. Nothing else is inherited on purpose: what
// is not named here is closed before the worker begins.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/origin_rules.h"
#include "protocol/trusted_proxies.h"
#include "worker/address_tables.h"
#include "worker/app_host.h"
#include "worker/file_descriptor.h"
#include "worker/limits.h"
#include "worker/privileges.h"
#include "worker/record_socket.h"
#include "worker/scoreboard.h"
#include "worker/socket_kind.h"
#include "worker/tls_material.h"

namespace wsd::worker {

// One slot's listening sockets, one per listen address, in the order of the addresses.
struct SlotSockets {
  std::uint16_t slot = 0;
  std::vector<FileDescriptor> sockets;
  std::vector<SocketRole> roles;  // of each
};

struct Heritage {
  std::string name;  // of the instance
  std::uint16_t slot = 0;
  std::uint32_t incarnation = 0;  // of the process: never the same twice, part of connection ids
  std::uint32_t generation = 0;
  std::uint32_t count = 1;  // slots of this generation
  std::uint32_t homes = 1;  // slots [0, homes) are the homes of channels, until the order bus_complete says otherwise
  SlotSockets sockets;      // of its own slot
  FileDescriptor access_log = {};  // if there is one (access_log.h)
  RecordSocket master;             // orders come, reports go; its end is the master's end
  Scoreboard* scoreboard = nullptr;
  std::size_t scoreboard_row = 0;
  AddressTables* addresses = nullptr;  // if there are limits per address
  const AppModule* app = nullptr;      // a built-in one; or else
  FileDescriptor module;               // a sealed memfd with the bytes of one (module_loader.h)
  std::string app_name;                // as errors call it
  Settings settings;
  std::string api_token;    // that callers of the API must know; empty: none
  bool page = true;         // a built-in app answers GET / with its page (front_page.h)
  std::string subprotocol;  // of --subprotocol; empty: none was given
  protocol::OriginRules origins;
  protocol::TrustedProxies proxies;
  TlsMaterial tls;        // of the secure sockets
  Privileges privileges;  // that it gives up first
  Limits limits;
  bool proving = false;    // nobody serves its generation yet: a certificate that is no good refuses it
  bool successor = false;  // serves nobody before the order take_over
};

}  // namespace wsd::worker
