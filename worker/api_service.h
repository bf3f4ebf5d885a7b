// The HTTP API of one worker (docs/api.md): its connections, from accept to the last byte.
//
// Owned by the server, which feeds it accepted clients, deadlines and the ends of its turns.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/api_connection.h"
#include "worker/api_context.h"
#include "worker/file_descriptor.h"

namespace wsd::worker {

class ApiService {
 public:
  // See ApiContext.
  ApiService(Loop& loop, Poller& poller, const Limits& limits, ApiBackend& backend, std::string_view token,
             std::span<std::byte> buffer);

  // A client just accepted. False if the kernel refused to watch it, and it is gone.
  bool accept(FileDescriptor socket, std::string remote_address);

  // Those that are due. Now and then, from the loop.
  void handle_deadlines();
  // At the end of each turn, when nothing of the poller's batch is left: destroys what is gone.
  void end_turn();

  // No new requests: each connection ends with the answer that it owes.
  void say_goodbye();
  // All of them, at once.
  void lose();

  // What another worker needs of one connection; its descriptor stays ours until hand_over().
  struct Saved {
    ApiConnection::State state;
    int descriptor = -1;
  };
  // Gives up the questions that are with the backend, whose answers would come to the wrong process.
  [[nodiscard]] std::vector<Saved> save();
  // They are another worker's now.
  void hand_over();
  // One that another worker had.
  void resume(const ApiConnection::State& state, FileDescriptor socket);

  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  bool start(std::unique_ptr<ApiConnection> connection);

  ApiContext context_;
  std::unordered_map<ApiConnection*, std::unique_ptr<ApiConnection>> connections_;
};

}  // namespace wsd::worker
