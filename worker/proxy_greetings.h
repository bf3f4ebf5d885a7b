// Connections to a listening socket that is behind a proxy (`?proxy`), before it has said whom they are of: each begins
// with a PROXY header (protocol/proxy_header.h), and only then becomes a client like any other.
//
// The header lies below everything, TLS included: it is read from the socket itself, and not a byte behind it. Who does
// not begin with one, in time, and from an address that is trusted, is let go of without an answer.
//
// Owned by the server, which feeds it accepted clients, deadlines and the ends of its turns.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/proxy_header.h"
#include "worker/connection_context.h"
#include "worker/deadline_list.h"
#include "worker/file_descriptor.h"
#include "worker/listener.h"
#include "worker/poller.h"
#include "worker/proxy_greeting_state.h"
#include "worker/socket_kind.h"

namespace wsd::worker {

class ProxyGreetings {
 public:
  // Takes a client with the address that its proxy has named, or with the peer's where the proxy speaks for itself.
  using OnClient = std::function<void(Accepted client, SocketKind kind)>;

  ProxyGreetings(ConnectionContext& context, OnClient on_client);

  // A connection just accepted. False if the kernel refused to watch it, and it is gone.
  [[nodiscard]] bool accept(Accepted peer, SocketKind kind);

  // Those that are due. Now and then, from the loop.
  void handle_deadlines();
  // At the end of each turn, when nothing of the poller's batch is left: destroys what is done with.
  void end_turn();
  // All of them, at once.
  void lose();

  // What another worker needs of one; its descriptor stays ours until hand_over().
  struct Saved {
    ProxyGreetingState state;
    int descriptor = -1;
  };
  [[nodiscard]] std::vector<Saved> save() const;
  // They are another worker's now.
  void hand_over();
  // One that another worker had. Called in the order of due_ms, before anything is accepted.
  void resume(const ProxyGreetingState& state, FileDescriptor socket);

  [[nodiscard]] std::size_t size() const { return greetings_.size() - done_.size(); }

 private:
  class Greeting final : public Watched, public DeadlineHook {
   public:
    Greeting(ProxyGreetings& owner, Accepted peer, SocketKind kind);
    ~Greeting();

    [[nodiscard]] bool watch();
    // Also of what another worker had read.
    [[nodiscard]] protocol::ProxyHeaderParser::Step take(std::span<const std::byte>& input);
    void handle_ready(std::uint32_t events) override;
    // Lets go of the socket. `why`: what the log and the counters tell; nothing where the peer went by itself.
    void end(std::string_view why);

    [[nodiscard]] Saved save() const;

   private:
    // What the socket has, up to the header's end.
    void read();
    void introduce();
    [[nodiscard]] FileDescriptor release();

    ProxyGreetings& owner_;
    Accepted peer_;
    const SocketKind kind_;
    protocol::ProxyHeaderParser parser_;
    bool watched_ = false;
  };

  [[nodiscard]] bool trusts(std::string_view peer) const;
  [[nodiscard]] Greeting* add(std::unique_ptr<Greeting> greeting);
  void refuse(std::string_view peer, std::string_view why);

  ConnectionContext& context_;
  OnClient on_client_;
  DeadlineList deadlines_;
  std::unordered_map<Greeting*, std::unique_ptr<Greeting>> greetings_;
  std::vector<Greeting*> done_;  // in this turn; to be destroyed at its end
};

}  // namespace wsd::worker
