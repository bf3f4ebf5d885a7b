// A client whose TLS stays in this process while its connection lives in another worker: what it says is read here and
// handed on as plaintext over our end of a socket pair, and back.
//
// Owned by the relay. Each way holds at most one read, and reads no more before that has gone on: so a side that does
// not read slows the other down, as it would without us.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "worker/deadline_list.h"
#include "worker/poller.h"
#include "worker/transport.h"

namespace wsd::worker {

class RelayedClient;

struct RelayContext {
  Poller& poller;
  std::span<std::byte> buffer;  // one read, of any client
  DeadlineList endings;         // the worker is gone, and the client is to take its last bytes
  std::vector<RelayedClient*> gone;
  std::uint64_t now_ms = 0;  // of this turn
};

class RelayedClient final : public DeadlineHook {
 public:
  RelayedClient(RelayContext& context, std::unique_ptr<Transport> client, std::unique_ptr<Transport> worker);
  ~RelayedClient();
  RelayedClient(const RelayedClient&) = delete;
  RelayedClient& operator=(const RelayedClient&) = delete;

  // Watches both sides, and carries what is there already.
  void start();
  // Its deadline is due.
  void handle_deadline() { finish(); }

 private:
  // One side, as the poller sees it.
  struct Side final : Watched {
    Side(RelayedClient& client, std::unique_ptr<Transport> stream) : owner(client), transport(std::move(stream)) {}
    void handle_ready(std::uint32_t events) override { owner.handle_ready(*this, events); }

    RelayedClient& owner;
    std::unique_ptr<Transport> transport;
    std::uint32_t watched_events = 0;
    bool watched = false;
  };

  // One way.
  struct Way {
    Side& from;
    Side& to;
    std::vector<std::byte> kept = {};  // read, and not taken yet
    bool ended = false;                // nothing more comes
    bool passed_on = false;            // and the other side was told
  };
  enum class Carried : std::uint8_t { something, nothing, dead };

  void handle_ready(const Side& side, std::uint32_t events);
  void carry();
  [[nodiscard]] Carried carry(Way& way);
  [[nodiscard]] bool pass_on(Way& way, std::span<const std::byte> bytes);
  void worker_is_gone();
  void watch(Side& side, std::uint32_t events);
  void unwatch(Side& side);
  void finish();
  [[nodiscard]] static bool may_read(const Way& way);

  RelayContext& context_;
  Side client_;
  Side worker_;
  Way to_worker_{client_, worker_};
  Way to_client_{worker_, client_};
  bool worker_gone_ = false;  // what the client says now nobody hears
  bool finished_ = false;
};

}  // namespace wsd::worker
