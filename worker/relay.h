// What is left of a worker whose clients were handed over, when some of them speak TLS: a TLS session cannot leave its
// process, so this one keeps it, without an application, and its successor has the plaintext end (docs/tls.md).
//
//   client ══TLS══ relay ──socket pair── the worker that serves it now
//
// Later handoffs move the worker's end alone. The relay leaves with its last client, when the master says so, or when
// the time that it was given is up.

#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "worker/file_descriptor.h"
#include "worker/heritage.h"
#include "worker/loop.h"
#include "worker/master_link.h"
#include "worker/poller.h"
#include "worker/relayed_client.h"
#include "worker/tls_context.h"
#include "worker/transport.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

// What a server leaves to a relay.
struct RelayCargo {
  struct Client {
    std::unique_ptr<Transport> transport;
    FileDescriptor worker;  // our end of the pair
  };
  std::unique_ptr<TlsContext> tls;  // that the transports are of
  std::vector<Client> clients;
  std::optional<std::uint64_t> ends_at_ms;  // of the loop's clock: then it leaves whoever is left
};

class Relay {
 public:
  // `heritage` outlives it.
  Relay(Heritage& heritage, RelayCargo cargo);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Until the last client is gone.
  void run();

 private:
  void obey(const protocol::RecordReader& order, const std::vector<FileDescriptor>& descriptors);
  void leave();
  void beat();
  void end_turn();
  [[nodiscard]] std::uint64_t now_ms() { return uv_now(loop_.get()); }

  Heritage& heritage_;
  ScoreboardRow& counters_;
  Loop loop_;
  Poller poller_;
  std::unique_ptr<std::byte[]> buffer_;
  RelayContext context_;
  std::unique_ptr<TlsContext> tls_;
  std::unordered_map<RelayedClient*, std::unique_ptr<RelayedClient>> clients_;
  std::optional<std::uint64_t> ends_at_ms_;
  MasterLink master_;
  UvHandle<uv_timer_t> heart_;
};

}  // namespace wsd::worker
